// Package config is the one typed configuration of Palabre.
//
// A setting has one name in four spellings: mongodb.uri in palabre.yaml (nested or dotted), PALABRE_MONGODB_URI in
// the environment, --mongodb-uri (or --mongodb.uri) as a flag, and the field that a program reads. Later sources win:
// defaults, file, environment, flags. A setting that cannot be used stops the start with one line that names it and
// says where it came from. Secrets print as **redacted** wherever they are printed.
//
//	listen: 0.0.0.0:8080
//	data: /var/lib/palabre
//	public_url: https://cms.example.org
//	mongodb:
//	  uri: mongodb://db1,db2,db3/?replicaSet=rs0
//	log: {level: info, format: json}
package config

import "time"

// Config is every setting of a node. Load makes one; it is only read afterwards.
type Config struct {
	Listen         string   // address:port of the HTTP server
	Data           string   // directory of the embedded store, the catalog and the media
	Schemas        string   // directory of content types; "" uses those shipped in the binary
	PublicURL      string   // how the outside reaches this site, without a slash at the end; "" when it is not known
	Demo           bool     // load the demo content into an empty store
	TrustedProxies []string // addresses and networks whose X-Forwarded-* headers are believed

	MongoDB  MongoDB
	S3       S3
	Admin    Admin
	Session  Session
	Cache    Cache
	Log      Log
	Metrics  Metrics
	Audit    Audit
	Privacy  Privacy
	Shutdown Shutdown
	SMTP     SMTP
	CORS     CORS
	Outbound Outbound
	Limits   Limits
	OIDC     OIDC

	origins map[string]string
}

// MongoDB is where the log is kept, instead of the embedded store.
type MongoDB struct {
	URI      Secret // it may hold a password
	Database string
}

// S3 is where media are kept, instead of a directory.
type S3 struct {
	Endpoint  string
	Bucket    string
	AccessKey Secret
	SecretKey Secret
	Region    string
	UseTLS    bool
}

// Enabled reports whether media go to S3.
func (s S3) Enabled() bool { return s.Endpoint != "" }

// Admin is how the first administrator gets in. It is used once, while the store has none.
type Admin struct {
	Email    string
	Password Secret
	Token    Secret // the first API token; made up and printed once when not given
}

// Session is how people stay signed in.
type Session struct {
	Lifetime time.Duration
}

// Cache bounds the memory of answers kept ready.
type Cache struct {
	Bytes Size
}

// Log says what is told while running, and how.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // text or json
}

// Metrics is the Prometheus page.
type Metrics struct {
	Enabled bool
}

// Audit is the trail of who did what.
type Audit struct {
	// Origins is how long it is kept where a request came from: IP address, browser.
	Origins time.Duration
}

// Privacy is how personal data is looked after without being asked.
type Privacy struct {
	Sweep bool // erase once a day what has been kept for longer than its type declares
}

// Shutdown is how a node leaves.
type Shutdown struct {
	// Delay is how long /readyz says no while requests are still taken, so that proxies stop sending them.
	Delay time.Duration
	// Drain is how long requests in flight may take after that.
	Drain time.Duration
}

// SMTP is the server that takes the messages to people.
type SMTP struct {
	Host     string
	Port     int
	User     string
	Password Secret
	From     string // who they come from: "Palabre <palabre@example.org>"
	TLS      string // starttls, implicit or none
}

// Enabled reports whether messages can be sent.
func (s SMTP) Enabled() bool { return s.Host != "" }

// CORS is which other sites' scripts may use the API in a reader's name.
type CORS struct {
	Origins []string // exact origins; empty: the scripts of any site may read what is public, and nothing more
}

// Outbound is where this node may connect to beside the public internet.
type Outbound struct {
	Allow []string // host:port, or networks
}

// Limits bounds what one address may ask.
type Limits struct {
	Auth      int // requests a minute that sign in or try to; 0 for no limit
	Anonymous int // requests a second that are anonymous and not answered out of the cache; 0 for no limit
}

// Default gives the settings of a trial on one's own machine.
func Default() *Config {
	return &Config{
		Listen:   "127.0.0.1:8080",
		Data:     "./data",
		MongoDB:  MongoDB{Database: "palabre"},
		S3:       S3{Region: "us-east-1", UseTLS: true},
		Admin:    Admin{Email: "admin@example.org"},
		Session:  Session{Lifetime: 14 * 24 * time.Hour},
		Cache:    Cache{Bytes: 64 << 20},
		Log:      Log{Level: "info", Format: "text"},
		Metrics:  Metrics{Enabled: true},
		Audit:    Audit{Origins: 4380 * time.Hour},
		Shutdown: Shutdown{Drain: 20 * time.Second},
		SMTP:     SMTP{Port: 587, TLS: "starttls"},
		Limits:   Limits{Auth: 300, Anonymous: 500},
		OIDC:     OIDC{Provider: Provider{Name: "oidc", Scopes: []string{"openid", "email", "profile"}, RequireVerified: true}},
		origins:  map[string]string{},
	}
}

// Origin says where a setting's value came from: "palabre.yaml:3", "PALABRE_LISTEN", "--listen" or "the default".
func (c *Config) Origin(name string) string {
	if from, ok := c.origins[name]; ok {
		return from
	}
	return "the default"
}

// Embedded reports whether the log is kept in the data directory.
func (c *Config) Embedded() bool { return c.MongoDB.URI == "" }
