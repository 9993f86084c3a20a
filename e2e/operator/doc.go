// Package operator is the gateway as those meet it who run it: installed from
// its packages, and looked at on its page in a browser. It is a module of its
// own so that the browser's protocol weighs neither on headgate nor on e2e.
//
// It needs the gateway's binary, which "make build" puts at ../../bin/headgate
// (HEADGATE_BIN names another), chromium, prometheus, dpkg-deb, rpm, and for the
// installation root on a machine with dpkg and overlayfs. What is missing is named and the tests are
// skipped; with CI=true in the environment they fail instead.
package operator
