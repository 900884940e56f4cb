package config

import (
	"errors"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Validate checks the settings as a whole and puts them in the form that their comments promise.
func (c *Config) Validate() error {
	for _, s := range c.Settings() {
		rule, ok := rules[s.Name]
		if !ok {
			continue
		}
		if err := rule(c); err != nil {
			return c.wrong(s, s.String(), err.Error(), c.Origin(s.Name))
		}
	}
	return nil
}

// rules are what a setting's own type does not say, by the setting's name.
var rules = map[string]func(*Config) error{
	"listen":           func(c *Config) error { return checkListen(c.Listen) },
	"data":             func(c *Config) error { return checkData(c.Data) },
	"schemas":          func(c *Config) error { return checkSchemas(c.Schemas) },
	"public_url":       checkPublicURL,
	"trusted_proxies":  func(c *Config) error { return each(c.TrustedProxies, checkProxy) },
	"mongodb.uri":      func(c *Config) error { return checkMongoURI(c.MongoDB.URI.Reveal()) },
	"mongodb.database": func(c *Config) error { return checkDatabase(c.MongoDB.Database) },
	"s3.endpoint":      func(c *Config) error { return checkEndpoint(c.S3.Endpoint) },
	"s3.bucket":        func(c *Config) error { return together(c.S3, c.S3.Bucket) },
	"s3.access_key":    func(c *Config) error { return together(c.S3, c.S3.AccessKey.Reveal()) },
	"s3.secret_key":    func(c *Config) error { return together(c.S3, c.S3.SecretKey.Reveal()) },
	"smtp.port":        func(c *Config) error { return checkPort(c.SMTP.Port) },
	"smtp.from":        func(c *Config) error { return checkSender(c.SMTP) },
	"smtp.user":        func(c *Config) error { return checkSMTPUser(c.SMTP) },
	"smtp.password":    func(c *Config) error { return withSMTP(c.SMTP, c.SMTP.Password.Reveal()) },
	"cors.origins":     func(c *Config) error { return each(c.CORS.Origins, checkOrigin) },
	"outbound.allow":   func(c *Config) error { return each(c.Outbound.Allow, checkTarget) },
	"oidc.issuer":      checkOIDC,
	"oidc.file":        checkOIDCFile,
	"admin.email":      func(c *Config) error { return checkEmail(c.Admin.Email) },
	"admin.password":   func(c *Config) error { return checkPassword(c.Admin.Password.Reveal()) },
	"session.lifetime": func(c *Config) error { return checkLifetime(c.Session.Lifetime) },
	"admin.token":      func(c *Config) error { return checkToken(c.Admin.Token.Reveal()) },
}

func checkListen(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return errors.New("is not address:port, such as 127.0.0.1:8080")
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errors.New("has no port between 0 and 65535")
	}
	return nil
}

func checkData(s string) error {
	if s == "" {
		return errors.New("is not a directory")
	}
	if info, err := os.Stat(s); err == nil && !info.IsDir() {
		return errors.New("is a file, not a directory")
	}
	return nil
}

func checkSchemas(s string) error {
	if s == "" {
		return nil
	}
	if info, err := os.Stat(s); err != nil || !info.IsDir() {
		return errors.New("is not a directory")
	}
	return nil
}

// checkPublicURL takes the beginning of an address only: links are made by adding to it, and cookies and origins know no path.
func checkPublicURL(c *Config) error {
	if c.PublicURL == "" {
		return nil
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return errors.New("is not a URL like https://cms.example.org")
	}
	if strings.Trim(u.Path, "/") != "" || strings.ContainsAny(c.PublicURL, "?#") || u.User != nil {
		return errors.New("must have no user, path, query or fragment: write it like https://cms.example.org")
	}
	c.PublicURL = u.Scheme + "://" + u.Host
	return nil
}

func each(items []string, check func(string) error) error {
	for _, item := range items {
		if err := check(item); err != nil {
			return err
		}
	}
	return nil
}

func checkProxy(s string) error {
	if _, err := netip.ParseAddr(s); err == nil {
		return nil
	}
	network, err := netip.ParsePrefix(s)
	if err != nil {
		return errors.New("holds " + strconv.Quote(s) + ", which is neither an address nor a network like 10.0.0.0/8")
	}
	if network.Bits() == 0 {
		return errors.New("holds " + strconv.Quote(s) + ", which is everybody: any caller could then pretend to any address, past the limits and into the audit trail; name your proxies")
	}
	return nil
}

func checkMongoURI(s string) error {
	if s == "" || strings.HasPrefix(s, "mongodb://") || strings.HasPrefix(s, "mongodb+srv://") {
		return nil
	}
	return errors.New("does not begin with mongodb:// or mongodb+srv://")
}

func checkDatabase(s string) error {
	if s == "" || len(s) > 38 || strings.ContainsAny(s, "/\\. \"$*<>:|?\x00") {
		return errors.New("is not a name for a MongoDB database")
	}
	return nil
}

func checkEndpoint(s string) error {
	if strings.Contains(s, "://") || strings.ContainsAny(s, "/ ?#") {
		return errors.New("is not host or host:port; say s3.use_tls instead of a scheme")
	}
	return nil
}

// together asks that the bucket and its keys come with an endpoint, and it with them.
func together(s S3, part string) error {
	if s.Enabled() && part == "" {
		return errors.New("is needed with s3.endpoint")
	}
	if !s.Enabled() && part != "" {
		return errors.New("is of no use without s3.endpoint")
	}
	return nil
}

func checkEmail(s string) error {
	if name, host, ok := strings.Cut(s, "@"); !ok || name == "" || host == "" || strings.ContainsAny(s, " \t\r\n") {
		return errors.New("is not an e-mail address")
	}
	return nil
}

func checkPassword(s string) error {
	if s != "" && len([]rune(s)) < 10 {
		return errors.New("is shorter than 10 characters")
	}
	return nil
}

func checkLifetime(d time.Duration) error {
	if d < time.Minute || d > 366*24*time.Hour {
		return errors.New("is not between a minute and a year")
	}
	return nil
}

func checkToken(s string) error {
	if s == "" || strings.HasPrefix(s, "pal_") && len(s) >= 36 && !strings.ContainsAny(s, " \t\r\n") {
		return nil
	}
	return errors.New("is not pal_ and at least 32 more characters")
}

func checkPort(n int) error {
	if n < 1 || n > 65535 {
		return errors.New("is not a port between 1 and 65535")
	}
	return nil
}

func checkSender(s SMTP) error {
	if !s.Enabled() && s.From == "" {
		return nil
	}
	if strings.ContainsAny(s.From, "\r\n") {
		return errors.New("is more than one line")
	}
	if _, err := mail.ParseAddress(s.From); err != nil {
		return errors.New("is not an address like Palabre <palabre@example.org>, which smtp.host needs")
	}
	return nil
}

// checkSMTPUser keeps the password, and what is made of it, off lines that others can read.
func checkSMTPUser(s SMTP) error {
	if s.User != "" && s.TLS == "none" {
		return errors.New("sends no password without encryption: set smtp.tls to starttls or implicit, or let the server take mail of this machine without signing in")
	}
	return withSMTP(s, s.User)
}

func withSMTP(s SMTP, part string) error {
	if !s.Enabled() && part != "" {
		return errors.New("is of no use without smtp.host")
	}
	return nil
}

// checkOrigin takes an origin in the one spelling that browsers send: what is compared with it is compared exactly.
func checkOrigin(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+strings.ToLower(u.Host) != s ||
		u.Scheme == "https" && u.Port() == "443" || u.Scheme == "http" && u.Port() == "80" || strings.Contains(s, "*") {
		return errors.New("holds " + strconv.Quote(s) + ", which is not an origin as browsers send it, like https://www.example.org")
	}
	return nil
}

func checkTarget(s string) error {
	if _, err := netip.ParsePrefix(s); err == nil {
		return nil
	}
	host, port, err := net.SplitHostPort(s)
	if n, portErr := strconv.ParseUint(port, 10, 16); err != nil || portErr != nil || n == 0 || host == "" || strings.ContainsAny(host, "*/ ") {
		return errors.New("holds " + strconv.Quote(s) + ", which is neither host:port nor a network like 10.0.0.0/8")
	}
	return nil
}
