package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/headgate/headgate/authcache"
	"github.com/headgate/headgate/cmd/headgate/config"
	"github.com/headgate/headgate/cmd/headgate/fleet"
	"github.com/headgate/headgate/cmd/headgate/sources"
	"github.com/headgate/headgate/cmd/headgate/tenants"
)

func tenantsCommand() command {
	return command{
		name:    "tenants",
		usage:   "list | get USERNAME | set --id ID --username NAME [FLAGS] | delete USERNAME | import FILE, each with --config FILE [--dry-run]",
		summary: "the clients of a fleet, which are in etcd",
		define: func(set *flag.FlagSet) action {
			f := tenantsFlags{set: set, file: configFlag(set)}
			set.BoolVar(&f.dryRun, "dry-run", false, "say what would change, and change nothing")
			set.StringVar(&f.id, "id", "", "set: the tenant, `ID`")
			set.StringVar(&f.username, "username", "", "set: the user `NAME` of the client, by which it is found")
			set.StringVar(&f.passwordFile, "password-file", "", "set: `FILE` with the password, - for standard input; without it a new client is given one")
			set.BoolVar(&f.newPassword, "new-password", false, "set: give a client that is there a new password too")
			set.StringVar(&f.tenant, "tenant", "", "import of an htpasswd file: the tenant of all users, `ID`; without it each user is one")
			f.define()
			return f.run
		},
	}
}

// tenantsFlags are the flags of all its verbs.
type tenantsFlags struct {
	set                        *flag.FlagSet
	file                       *string
	dryRun, newPassword        bool
	id, username, passwordFile string
	tenant                     string
	keys                       map[string]*string // flags that go into the entry, by the key there
}

// define defines the flags that go into the entry as they are, each under the name of its key.
func (f *tenantsFlags) define() {
	f.keys = make(map[string]*string, len(config.Assignable))
	for _, key := range config.Assignable {
		f.keys[key] = f.set.String(flagOf(key), "", "set: "+key+" of the entry, lists with commas; \"\" is none")
	}
}

// flagOf is the flag for a key.
func flagOf(key string) string { return strings.ReplaceAll(key, "_", "-") }

// tenantsVerbs are how many arguments each verb takes.
var tenantsVerbs = map[string]int{"list": 0, "get": 1, "set": 0, "delete": 1, "import": 1}

func (f *tenantsFlags) run(c console, args []string) error {
	if len(args) == 0 {
		return usageError("say what to do: list, get, set, delete or import")
	}
	verb, args := args[0], args[1:]
	want, known := tenantsVerbs[verb]
	switch {
	case !known:
		return usageError(fmt.Sprintf("%q is not one of list, get, set, delete and import", verb))
	case len(args) < want:
		return usageError(verb + " wants one argument")
	case len(args) > want:
		return usageError(fmt.Sprintf("%q is one argument too many", args[want]))
	}
	if err := needConfig(*f.file); err != nil {
		return err
	}
	given := map[string]bool{}
	f.set.Visit(func(one *flag.Flag) { given[one.Name] = true })
	if err := f.fits(verb, given); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	clients, end, err := f.open(ctx, c)
	if err != nil {
		return err
	}
	defer end()
	switch verb {
	case "list":
		err = clients.List(ctx)
	case "get":
		err = clients.Get(ctx, args[0])
	case "delete":
		err = clients.Delete(ctx, args[0])
	case "set":
		err = f.change(ctx, c, clients, given)
	case "import":
		err = f.importFile(ctx, clients, args[0])
	}
	if err != nil {
		return fmt.Errorf("tenants %s: %w", verb, err)
	}
	return nil
}

// fits refuses flags that mean nothing to a verb.
func (f *tenantsFlags) fits(verb string, given map[string]bool) error {
	own := map[string][]string{
		"list": nil, "get": nil, "delete": {"dry-run"}, "import": {"dry-run", "tenant"},
		"set": {"dry-run", "id", "username", "password-file", "new-password"},
	}[verb]
	if verb == "set" {
		for key := range f.keys {
			own = append(own, flagOf(key))
		}
		if f.username == "" {
			return usageError("set wants --username NAME")
		}
		if f.passwordFile != "" && f.newPassword {
			return usageError("--password-file and --new-password are two passwords; want one of them")
		}
	}
	for name := range given {
		if name != "config" && !slices.Contains(own, name) {
			return usageError(fmt.Sprintf("--%s means nothing to %s", name, verb))
		}
	}
	return nil
}

// open opens the etcd that the configuration names.
func (f *tenantsFlags) open(ctx context.Context, c console) (tenants.Clients, func(), error) {
	loaded, err := load(*f.file, config.Options{Env: os.Getenv})
	if err != nil {
		return tenants.Clients{}, nil, err
	}
	if !loaded.config.Etcd.Enabled() {
		return tenants.Clients{}, nil, fmt.Errorf("tenants: %s has no etcd.endpoints; its clients are in [[tenants]] and the files of [auth]", *f.file)
	}
	store, err := fleet.Open(ctx, sources.FleetOptions(&loaded.config.Etcd))
	if err != nil {
		return tenants.Clients{}, nil, err
	}
	credentials := authcache.New(authcache.Options{})
	end := func() {
		credentials.Close()
		store.Close()
	}
	return tenants.Clients{
		Store: store, Reader: loaded.config.SharedTenants(), Gateway: newTrialGateway(loaded.config, credentials), Out: c.out, DryRun: f.dryRun,
	}, end, nil
}

// change is set.
func (f *tenantsFlags) change(ctx context.Context, c console, clients tenants.Clients, given map[string]bool) error {
	password, err := f.password(c)
	if err != nil {
		return err
	}
	// Tried on an entry of nobody, so that a mistake on the command line is told before etcd is asked for anything.
	if err := f.assign(&config.Tenant{}, given); err != nil {
		return err
	}
	return clients.Set(ctx, tenants.Setting{
		Username:    f.username,
		Password:    password,
		NewPassword: f.newPassword,
		Change:      func(t *config.Tenant) { _ = f.assign(t, given) }, // as it was tried
	})
}

// assign puts the flags that were given into an entry.
func (f *tenantsFlags) assign(t *config.Tenant, given map[string]bool) error {
	if given["id"] {
		t.ID = f.id
	}
	for _, key := range config.Assignable {
		if !given[flagOf(key)] {
			continue
		}
		if err := t.Assign(key, *f.keys[key]); err != nil {
			return usageError("--" + flagOf(key) + ": " + err.Error())
		}
	}
	return nil
}

// password reads what --password-file names, "" without it.
func (f *tenantsFlags) password(c console) (string, error) {
	if f.passwordFile == "" {
		return "", nil
	}
	in := c.in
	if f.passwordFile != "-" {
		file, err := os.Open(f.passwordFile)
		if err != nil {
			return "", err
		}
		defer file.Close()
		in = file
	}
	password, err := readSecret(in)
	if err != nil && f.passwordFile != "-" {
		return "", fmt.Errorf("%s: has no password in it", f.passwordFile)
	}
	return password, err
}

// importFile reads a file of [[tenants]] or of htpasswd.
func (f *tenantsFlags) importFile(ctx context.Context, clients tenants.Clients, path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	var entries []config.Tenant
	if strings.HasSuffix(path, ".toml") {
		if f.tenant != "" {
			return usageError("--tenant is for an htpasswd file; in TOML each entry has its id")
		}
		entries, err = config.ReadTenants(text)
	} else {
		entries, err = tenants.Htpasswd(text, f.tenant)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return clients.Import(ctx, entries)
}
