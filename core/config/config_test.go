package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core/config"
)

// load reads a configuration file made of text, an environment and flags.
func load(t *testing.T, file string, env []string, flags map[string]string) (*config.Config, error) {
	t.Helper()
	s := config.Sources{Environ: env, Flags: flags}
	if file != "" {
		s.File = filepath.Join(t.TempDir(), "palabre.yaml")
		if err := os.WriteFile(s.File, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return config.Load(s)
}

func TestLoad_Sources(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name         string
		file         string
		env          []string
		flags        map[string]string
		want, origin string
	}{
		{name: "nothing", want: "127.0.0.1:8080", origin: "the default"},
		{name: "file", file: "# first line\nlisten: :1", want: ":1", origin: "palabre.yaml:2"},
		{name: "environment over file", file: "listen: :1", env: []string{"PALABRE_LISTEN=:2"}, want: ":2", origin: "PALABRE_LISTEN"},
		{name: "flag over environment", file: "listen: :1", env: []string{"PALABRE_LISTEN=:2"}, flags: map[string]string{"listen": ":3"}, want: ":3", origin: "--listen"},
		{name: "empty variable is absent", file: "listen: :1", env: []string{"PALABRE_LISTEN="}, want: ":1", origin: "palabre.yaml:1"},
		{name: "null in the file is absent", file: "listen: null\ndata: x", want: "127.0.0.1:8080", origin: "the default"},
		{name: "empty file", file: "# nothing\n", want: "127.0.0.1:8080", origin: "the default"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, err := load(t, tc.file, tc.env, tc.flags)
			if err != nil {
				t.Fatal(err)
			}
			if c.Listen != tc.want || !strings.HasSuffix(c.Origin("listen"), tc.origin) {
				t.Errorf("got %q from %q, want %q from %q", c.Listen, c.Origin("listen"), tc.want, tc.origin)
			}
		})
	}
}

func TestLoad_Values(t *testing.T) {
	t.Parallel()
	c, err := load(t, `
mongodb: {uri: "mongodb://u:pw@db/", database: cms}
s3.endpoint: s3.example.org
s3:
  bucket: media
  access_key: AK
  secret_key: SK
  use_tls: no
trusted_proxies: [10.0.0.0/8, "::1"]
cache.bytes: 1GiB
shutdown: {delay: 5s, drain: 1m}
public_url: HTTPS://cms.example.org//
metrics.enabled: false
`, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(c.MongoDB.URI.Reveal(), c.MongoDB.Database, c.S3.Endpoint, c.S3.Bucket, c.S3.AccessKey.Reveal(), c.S3.SecretKey.Reveal(), c.S3.UseTLS,
		c.TrustedProxies, int64(c.Cache.Bytes), c.Shutdown.Delay, c.Shutdown.Drain, c.PublicURL, c.Metrics.Enabled, c.Embedded())
	want := fmt.Sprint("mongodb://u:pw@db/", "cms", "s3.example.org", "media", "AK", "SK", false,
		[]string{"10.0.0.0/8", "::1"}, int64(1<<30), 5*time.Second, time.Minute, "https://cms.example.org", false, false)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestLoad_Wrong(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name  string
		file  string
		env   []string
		flags map[string]string
		want  string
	}{
		{name: "unknown key", file: "data: x\nlissten: :1", want: `palabre.yaml:2: unknown setting "lissten"; did you mean listen?`},
		{name: "unknown nested key", file: "mongodb:\n  url: x", want: `palabre.yaml:2: unknown setting "mongodb.url"; did you mean mongodb.uri?`},
		{name: "unknown and far", file: "zzzzzzzzzzzzzzz: 1", want: `unknown setting "zzzzzzzzzzzzzzz"; see palabre serve --help`},
		{name: "twice", file: "s3.bucket: a\ns3: {bucket: b}", want: "palabre.yaml:2: s3.bucket is set twice, first at"},
		{name: "twice in one mapping", file: "data: a\ndata: b", want: "palabre.yaml:2: data is set twice, first at"},
		{name: "group instead of value", file: "listen: {a: b}", want: "palabre.yaml:1: listen must be a single value"},
		{name: "list instead of value", file: "listen: [a]", want: "palabre.yaml:1: listen must be a single value"},
		{name: "value instead of group", file: "mongodb: yes", want: "palabre.yaml:1: mongodb must be a mapping of settings"},
		{name: "list as file", file: "[a]", want: "palabre.yaml:1: the file must be a mapping of settings"},
		{name: "not YAML", file: "data: x\n\tlisten: 1", want: "palabre.yaml:2: not YAML"},
		{name: "listen without port", env: []string{"PALABRE_LISTEN=8080"}, want: `listen: "8080" is not address:port, such as 127.0.0.1:8080 (from PALABRE_LISTEN)`},
		{name: "listen port too high", flags: map[string]string{"listen": ":70000"}, want: `listen: ":70000" has no port between 0 and 65535 (from --listen)`},
		{name: "data is a file", flags: map[string]string{"data": file}, want: "is a file, not a directory (from --data)"},
		{name: "schemas absent", flags: map[string]string{"schemas": filepath.Join(dir, "none")}, want: "is not a directory (from --schemas)"},
		{name: "public_url without scheme", file: "public_url: cms.example.org", want: `public_url: "cms.example.org" is not a URL like https://cms.example.org (from`},
		{name: "public_url without host", file: "public_url: https://:8080", want: "is not a URL like https://cms.example.org"},
		{name: "public_url with query", file: "public_url: https://a.example/?x=1", want: "must have no user, path, query or fragment: write it like https://cms.example.org (from"},
		{name: "public_url with an empty query", file: "public_url: https://a.example/?", want: "must have no user, path, query or fragment"},
		{name: "public_url with fragment", env: []string{"PALABRE_PUBLIC_URL=https://a.example/#"}, want: "must have no user, path, query or fragment"},
		{name: "public_url with path", file: "public_url: https://a.example/cms/", want: "must have no user, path, query or fragment"},
		{name: "public_url with user", file: "public_url: https://camille@a.example", want: "must have no user, path, query or fragment"},
		{name: "everybody as proxy", env: []string{"PALABRE_TRUSTED_PROXIES=10.0.0.0/8,0.0.0.0/0"}, want: `trusted_proxies: "10.0.0.0/8,0.0.0.0/0" holds "0.0.0.0/0", which is everybody: any caller could then pretend to any address`},
		{name: "everybody as proxy, of IPv6", file: "trusted_proxies: ['::/0']", want: `holds "::/0", which is everybody`},
		{name: "proxy", env: []string{"PALABRE_TRUSTED_PROXIES=10.0.0.0/8,lan"}, want: `holds "lan", which is neither an address nor a network`},
		{name: "mongodb.uri", env: []string{"PALABRE_MONGODB_URI=postgres://u:hunter2@x"}, want: `mongodb.uri: "**redacted**" does not begin with mongodb:// or mongodb+srv:// (from PALABRE_MONGODB_URI)`},
		{name: "mongodb.database", flags: map[string]string{"mongodb-database": "a.b"}, want: `mongodb.database: "a.b" is not a name`},
		{name: "s3 with scheme", file: "s3.endpoint: https://s3.example", want: "say s3.use_tls instead of a scheme"},
		{name: "s3 without bucket", file: "s3.endpoint: s3.example", want: `s3.bucket: "" is needed with s3.endpoint (from the default)`},
		{name: "s3 key without endpoint", file: "s3.secret_key: hunter2", want: `s3.secret_key: "**redacted**" is of no use without s3.endpoint`},
		{name: "s3.use_tls", file: "s3.use_tls: maybe", want: `s3.use_tls: "maybe" is neither true nor false`},
		{name: "session.lifetime", file: "session.lifetime: 5s", want: "is not between a minute and a year"},
		{name: "admin.email", file: "admin.email: nobody", want: "is not an e-mail address"},
		{name: "admin.password", file: "admin.password: hunter2", want: `admin.password: "**redacted**" is shorter than 10 characters`},
		{name: "admin.token", file: "admin.token: secret", want: `admin.token: "**redacted**" is not pal_ and at least 32 more characters`},
		{name: "cache.bytes", file: "cache.bytes: much", want: `cache.bytes: "much" is not a size like 64MB or 1GiB`},
		{name: "cache.bytes negative", file: "cache.bytes: -1", want: "is not a size"},
		{name: "cache.bytes too large", file: "cache.bytes: 99999999999GiB", want: "is not a size"},
		{name: "log.level", file: "log.level: loud", want: `log.level: "loud" is not one of debug, info, warn, error`},
		{name: "log.format", file: "log.format: xml", want: "is not one of text, json"},
		{name: "shutdown.drain", file: "shutdown.drain: 20", want: `shutdown.drain: "20" is not a duration like 20s, 1m30s or 7d`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, tc.file, tc.env, tc.flags)
			if err == nil {
				t.Fatal("no error")
			}
			got := err.Error()
			if !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want it to hold %q", got, tc.want)
			}
			if strings.Contains(got, "\n") || strings.Contains(got, "hunter2") {
				t.Errorf("%q is not one line without secrets", got)
			}
		})
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"20s": 20 * time.Second, "1m30s": 90 * time.Second, "7d": 7 * 24 * time.Hour, "1d12h": 36 * time.Hour,
		"0d": 0, "1.5h": 90 * time.Minute, "365d": 8760 * time.Hour} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "7", "-7d", "1d-1h", "1.5d", "7d7d", "7 d", "999999999d", "12h1d", "-1h", "soon", "65535d2562047h"} {
		if got, err := config.ParseDuration(text); err == nil {
			t.Errorf("%q: got %v", text, got)
		}
	}
}

func TestLoad_NamedFileMustExist(t *testing.T) {
	t.Parallel()
	_, err := config.Load(config.Sources{File: filepath.Join(t.TempDir(), "none.yaml")})
	if err == nil || !strings.Contains(err.Error(), "none.yaml cannot be read") {
		t.Errorf("got %v", err)
	}
}

func TestSecret_NeverPrints(t *testing.T) {
	t.Parallel()
	c, err := load(t, "admin: {password: correct-horse, token: pal_correct-horse-0123456789012345678901234}", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var logged strings.Builder
	slog.New(slog.NewJSONHandler(&logged, nil)).Info("start", "config", c, "password", c.Admin.Password)
	for name, got := range map[string]string{
		"%v": fmt.Sprintf("%v", c.Admin), "%+v": fmt.Sprintf("%+v", c.Admin), "%#v": fmt.Sprintf("%#v", c.Admin), "%s": fmt.Sprintf("<%s>", c.Admin.Password),
		"json": string(asJSON), "slog": logged.String(), "lines": strings.Join(c.Lines(), "\n"),
	} {
		if strings.Contains(got, "horse") || !strings.Contains(got, config.Redacted) {
			t.Errorf("%s: got %s", name, got)
		}
	}
}

// TestSettings_Agree holds that a setting's four names follow from one, and that each may be set by itself.
func TestSettings_Agree(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range config.Default().Settings() {
		if s.Help == "" || seen[s.Flag()] {
			t.Errorf("%s has no help, or a flag that another has", s.Name)
		}
		seen[s.Flag()] = true
		if want := "PALABRE_" + strings.ToUpper(strings.ReplaceAll(s.Flag(), "-", "_")); s.Env() != want {
			t.Errorf("got %s, want %s", s.Env(), want)
		}
		if err := s.Set(s.String()); err != nil && s.Type() != "secret" {
			t.Errorf("%s does not read what it prints: %v", s.Name, err)
		}
	}
}

func TestUnknown(t *testing.T) {
	t.Parallel()
	got := config.Unknown([]string{"HOME=/", "PALABRE_LISTEN=x", "PALABRE_TEST_REQUIRE=x", "PALABRE_MONGO_URI=x"})
	if len(got) != 1 || got[0] != "PALABRE_MONGO_URI is not a setting; did you mean PALABRE_MONGODB_URI?" {
		t.Errorf("got %q", got)
	}
}
