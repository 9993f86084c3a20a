package demo

import "fmt"

// Client is one of the demo's two senders. Its password is no secret: it opens a stand-in on loopback.
type Client struct{ Tenant, User, Password, Metric string }

// Clients are the two tenants of the demo.
func Clients() [2]Client {
	return [2]Client{
		{Tenant: "team-a", User: "prometheus-a", Password: "demo-a", Metric: "kitchen_temperature_celsius 21.5"},
		{Tenant: "team-b", User: "prometheus-b", Password: "demo-b", Metric: "garage_door_open 1"},
	}
}

// Config is the configuration of a gateway on loopback, on ports of the kernel's choice, before a stand-in at cortex
// (host:port).
func Config(cortex string) string {
	clients := Clients()
	return fmt.Sprintf(`# The configuration of headgate demo.
[server]
listen = "127.0.0.1:0"
drain_delay = "0s"

[admin]
listen = "127.0.0.1:0"

[log]
level = "warn"
audit.enabled = false

[upstreams.all]
url = "http://%s"

[[tenants]]
id = %q
username = %q
password = %q

[[tenants]]
id = %q
username = %q
password = %q
`, cortex,
		clients[0].Tenant, clients[0].User, clients[0].Password,
		clients[1].Tenant, clients[1].User, clients[1].Password)
}
