package convert

// shortSecret is how many bytes a secret of HS256 has to have at least (RFC 7518, section 3.2).
const shortSecret = 32

// remarkTokens says which tokens of the original are refused here.
func remarkTokens(d *document) {
	d.remark("The original also took a token without \"Bearer \" before it, and passed on a tenant_id of \"a|b\" as it was: both are refused\n" +
		"here. Want Authorization: Bearer, and a list of strings in the claim for several tenants, with [cortex.tenant_federation].")
}

// writeSecret writes [auth.jwt] for tokens as cortex-gateway took them: signed with one secret, with a tenant_id, and
// good for ever unless they say otherwise.
func writeSecret(d *document, secret string) {
	d.blank()
	remarkTokens(d)
	d.table("[auth.jwt]")
	d.set("secret", secret, "")
	if len(secret) < shortSecret {
		d.set("allow_short_secret", true, "shorter than 32 bytes, which can be searched for: want a longer one soon")
	}
	d.set("require_expiry", false, "the original's tokens need no exp; one that has it is held to it here")
}
