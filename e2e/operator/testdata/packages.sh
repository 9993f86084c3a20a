# An operator installs a package, edits one file, runs the gateway, upgrades it and removes it, in a mount namespace of their
# own: the machine is the lower layer of an overlay whose upper one is memory, and nothing of it is changed.
#
#	packages.sh deb|rpm FIRST-PACKAGE SECOND-PACKAGE EMPTY-FOLDER PORT ADMIN-PORT
kind=$1 first=$2 second=$3 scratch=$4 port=$5 admin=$6

fail() {
	echo "FAILED: $*" >&2
	exit 1
}
is() { [ "$2" = "$3" ] || fail "$1 is \"$2\", not \"$3\""; }

mount --make-rprivate /
mount -t tmpfs tmpfs "$scratch"
mkdir "$scratch/upper" "$scratch/work" "$scratch/root"
root=$scratch/root
mount -t overlay overlay -o "lowerdir=/,upperdir=$scratch/upper,workdir=$scratch/work" "$root"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"
mkdir "$root/packages"
cp "$first" "$root/packages/first.$kind"
cp "$second" "$root/packages/second.$kind"

inside() { chroot "$root" "$@"; }
owner() { inside stat -c '%U:%G %a' "$1"; }
asuser() { inside setpriv --reuid headgate --regid headgate --clear-groups --no-new-privs "$@"; }

case "$kind" in
	deb)
		install() { inside env DEBIAN_FRONTEND=noninteractive dpkg --force-confold -i "$1"; }
		remove() { inside dpkg -r headgate; }
		aside=dpkg-dist
		;;
	rpm)
		install() { inside rpm -U --nodeps "$1"; } # what it needs is there, as Debian's packages
		remove() { inside rpm -e headgate; }
		aside=rpmnew
		;;
esac

echo "--- install"
install "/packages/first.$kind"
is "the configuration folder" "$(owner /etc/headgate)" "root:headgate 750"
is "the configuration" "$(owner /etc/headgate/config.toml)" "root:headgate 640"
is "the binary" "$(owner /usr/bin/headgate)" "root:root 755"
is "the service" "$(inside systemctl is-enabled headgate.service || true)" "disabled"
for socket in headgate.socket headgate-admin.socket; do
	is "$socket" "$(inside systemctl is-enabled "$socket" || true)" "disabled"
done
[ -z "$(inside find /etc/sysctl.d /usr/lib/sysctl.d -name '*headgate*')" ] || fail "sysctl settings are in force"
inside test -f /usr/share/doc/headgate/examples/sysctl.conf || fail "no sysctl example"
inside headgate version | grep -q 'headgate v1\.2\.3 ' || fail "the first version does not say what it is"
out=$(inside systemd-analyze verify headgate.service headgate-second.service headgate.socket headgate-admin.socket 2>&1) || fail "systemd-analyze verify: $out"
case "$out" in *headgate*) fail "systemd-analyze verify: $out" ;; esac
asuser headgate check --config /etc/headgate/config.toml || fail "the installed configuration is not good"
if inside setpriv --reuid nobody --clear-groups cat /etc/headgate/config.toml 2>/dev/null; then
	fail "everybody can read the configuration"
fi

echo "--- edit one file and start"
cat >"$root/etc/headgate/config.toml" <<END
[server]
listen = "127.0.0.1:$port"
drain_delay = "0s"
[admin]
listen = "127.0.0.1:$admin"
[upstreams.all]
url = "http://127.0.0.1:1"
[[tenants]]
id = "team-a"
username = "prometheus-a"
password_file = "team-a.password" # edited by hand
END
inside sh -c 'headgate new-password | head -n 1 >/etc/headgate/team-a.password'
password=$(cat "$root/etc/headgate/team-a.password")
is "the edited configuration" "$(owner /etc/headgate/config.toml)" "root:headgate 640"
# Root can read every file, and is told what the service can not, and what not everybody should.
said=$(inside headgate check --strict --config /etc/headgate/config.toml 2>&1) && fail "a password for everybody to read is good: $said"
case "$said" in *"readable by every user"*"chgrp headgate, chmod 640"*) ;; *) fail "a password for everybody to read: $said" ;; esac
inside chmod 600 /etc/headgate/team-a.password
said=$(inside headgate check --config /etc/headgate/config.toml 2>&1) && fail "a password that only root can read is good: $said"
case "$said" in *"permission denied"*"chgrp headgate, chmod 640"*) ;; *) fail "a password that only root can read: $said" ;; esac
inside chgrp headgate /etc/headgate/team-a.password
inside chmod 640 /etc/headgate/team-a.password
said=$(inside headgate check --strict --config /etc/headgate/config.toml) || fail "the edited configuration: $said"
case "$said" in "user: headgate, as the service"*) ;; *) fail "root does not check for the service: $said" ;; esac
chroot "$root" setpriv --reuid headgate --regid headgate --clear-groups --no-new-privs \
	headgate run --config /etc/headgate/config.toml & # no function: that would be a shell around it
gateway=$!
curl -s --retry 50 --retry-delay 1 --retry-connrefused "http://127.0.0.1:$admin/ready" | grep -q ^ready || fail "it is not ready"
is "an answer to a stranger" "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/prometheus/api/v1/labels")" 401
is "an answer without Cortex" \
	"$(curl -s -u "prometheus-a:$password" -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/prometheus/api/v1/labels")" 503

echo "--- upgrade beside it"
install "/packages/second.$kind"
inside headgate version | grep -q 'headgate v1\.3\.0-rc\.1 ' || fail "the second version does not say what it is"
grep -q 'edited by hand' "$root/etc/headgate/config.toml" || fail "the upgrade has lost the edited configuration"
is "the configuration after the upgrade" "$(owner /etc/headgate/config.toml)" "root:headgate 640"
grep -q 'shipped with the next version' "$root/etc/headgate/config.toml.$aside" || fail "the new configuration does not lie beside"
kill -0 "$gateway" || fail "the gateway did not live through the upgrade of its files"
kill "$gateway"
status=0
wait "$gateway" || status=$?
is "the exit status" "$status" 0

echo "--- remove"
mkdir -p "$root/var/lib/headgate" # as StateDirectory= does
remove
for path in "$root/usr/bin/headgate" "$root"/usr/lib/systemd/system/headgate*; do
	[ ! -e "$path" ] || fail "$path is still there"
done
case "$kind" in
	deb)
		grep -q 'edited by hand' "$root/etc/headgate/config.toml" || fail "removing has taken the configuration along"
		inside dpkg --purge headgate
		is "what a purge leaves" "$(ls -A "$root/etc/headgate")" team-a.password # it is the operator's, not the package's
		[ ! -e "$root/var/lib/headgate" ] || fail "/var/lib/headgate outlives a purge"
		;;
	rpm)
		grep -q 'edited by hand' "$root/etc/headgate/config.toml.rpmsave" || fail "removing has lost the configuration"
		;;
esac
inside getent passwd headgate >/dev/null || fail "the user is gone, and its number is free for somebody else"
echo "--- all good"
