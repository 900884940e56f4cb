package config

import "strings"

// Setting is one row of the table of settings: its name, what it means, and the variable that it sets.
type Setting struct {
	Name string // as in palabre.yaml: mongodb.uri
	Help string // one line
	Value
}

// Env is the setting's name in the environment.
func (s Setting) Env() string {
	return "PALABRE_" + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(s.Name))
}

// Flag is the setting's name on the command line.
func (s Setting) Flag() string { return FlagName(s.Name) }

// FlagName spells a setting's name as a flag: words joined by dashes, whichever way they were joined.
func FlagName(name string) string { return strings.NewReplacer(".", "-", "_", "-").Replace(name) }

// Settings is the table of all settings, bound to c. This is where a setting is added.
func (c *Config) Settings() []Setting {
	return []Setting{
		{"listen", "address:port of the HTTP server", text(&c.Listen)},
		{"data", "directory of the embedded store, the catalog and the media", text(&c.Data)},
		{"schemas", "directory of content types instead of the shipped ones", text(&c.Schemas)},
		{"public_url", "how the outside reaches this site, for absolute links, cookies and CORS", text(&c.PublicURL)},
		{"demo", "load the demo content when the store is empty", boolean(&c.Demo)},
		{"trusted_proxies", "addresses and networks whose X-Forwarded-* headers are believed", list(&c.TrustedProxies)},
		{"mongodb.uri", "use MongoDB instead of the embedded store", secret(&c.MongoDB.URI)},
		{"mongodb.database", "the database in MongoDB", text(&c.MongoDB.Database)},
		{"s3.endpoint", "host[:port] of S3-compatible storage for media, instead of a directory", text(&c.S3.Endpoint)},
		{"s3.bucket", "the bucket", text(&c.S3.Bucket)},
		{"s3.access_key", "its access key", secret(&c.S3.AccessKey)},
		{"s3.secret_key", "its secret key", secret(&c.S3.SecretKey)},
		{"s3.region", "its region", text(&c.S3.Region)},
		{"s3.use_tls", "speak TLS to it", boolean(&c.S3.UseTLS)},
		{"admin.email", "the first administrator's address", text(&c.Admin.Email)},
		{"admin.password", "the first administrator's password", secret(&c.Admin.Password)},
		{"admin.token", "the first administrator's API token (pal_…), instead of a generated one", secret(&c.Admin.Token)},
		{"session.lifetime", "how long people stay signed in", duration(&c.Session.Lifetime)},
		{"cache.bytes", "memory for answers kept ready, such as 64MB", size(&c.Cache.Bytes)},
		{"smtp.host", "the server that takes messages to people; without it none are sent", text(&c.SMTP.Host)},
		{"smtp.port", "its port", number(&c.SMTP.Port)},
		{"smtp.user", "who signs in there", text(&c.SMTP.User)},
		{"smtp.password", "and the password", secret(&c.SMTP.Password)},
		{"smtp.from", "whom messages come from, such as Palabre <palabre@example.org>", text(&c.SMTP.From)},
		{"smtp.tls", "starttls (required, not hoped for), implicit or none", choice(&c.SMTP.TLS, "starttls", "implicit", "none")},
		{"oidc.issuer", "sign in with this OpenID Connect provider; needs public_url", text(&c.OIDC.Issuer)},
		{"oidc.name", "its name in addresses", text(&c.OIDC.Name)},
		{"oidc.label", "its name on the button", label(&c.OIDC.Label)},
		{"oidc.client_id", "what this site is called there", text(&c.OIDC.ClientID)},
		{"oidc.client_secret", "and the secret", secret(&c.OIDC.ClientSecret)},
		{"oidc.scopes", "what is asked for", list(&c.OIDC.Scopes)},
		{"oidc.role_claim", "where roles stand in the claims, such as realm_access.roles", text(&c.OIDC.RoleClaim)},
		{"oidc.role_map", "value=role: which value of that claim stands for which role", pairs(&c.OIDC.RoleMap)},
		{"oidc.default_roles", "roles of who has none by the claim", list(&c.OIDC.DefaultRoles)},
		{"oidc.create", "make an account at the first sign-in", boolean(&c.OIDC.Create)},
		{"oidc.require_verified", "only for addresses that the provider has verified", boolean(&c.OIDC.RequireVerified)},
		{"oidc.file", "a YAML list of further providers, each with the settings above", text(&c.OIDC.File)},
		{"cors.origins", "the only other sites whose scripts may use the API, with credentials", list(&c.CORS.Origins)},
		{"outbound.allow", "host:port or networks to connect to beside the public internet", list(&c.Outbound.Allow)},
		{"limits.auth", "requests a minute for signing in from one address; 0 for any number", number(&c.Limits.Auth)},
		{"limits.anonymous", "anonymous requests a second from one address that the cache does not answer; 0 for any number", number(&c.Limits.Anonymous)},
		{"log.level", "debug, info, warn or error", choice(&c.Log.Level, "debug", "info", "warn", "error")},
		{"log.format", "text or json", choice(&c.Log.Format, "text", "json")},
		{"metrics.enabled", "serve /metrics", boolean(&c.Metrics.Enabled)},
		{"audit.origins", "how long it is kept from which address a request came, such as 4380h (half a year)", duration(&c.Audit.Origins)},
		{"privacy.sweep", "erase personal data once a day when x-personal's time to keep is over; palabre privacy sweep --dry-run shows what", boolean(&c.Privacy.Sweep)},
		{"shutdown.delay", "on SIGTERM, how long requests are still taken while /readyz says no", duration(&c.Shutdown.Delay)},
		{"shutdown.drain", "on SIGTERM, how long requests in flight may take", duration(&c.Shutdown.Drain)},
	}
}

// Lines prints every setting with its origin, secrets hidden.
func (c *Config) Lines() []string {
	var lines []string
	for _, s := range c.Settings() {
		lines = append(lines, s.Name+" = "+s.String()+"  ("+c.Origin(s.Name)+")")
	}
	return lines
}
