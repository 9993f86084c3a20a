// Package sources keeps the credentials in memory in step with where they come from beside the configuration file: a folder of files with
// [[tenants]], an htpasswd file, and the keys of signed tokens. It watches them, reads what has changed and keeps the last
// good version of each file. Who is let in it does not decide, and the configuration file itself is for who loads it.
package sources
