package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"

	"gopkg.in/yaml.v3"
)

// OIDC is where else people sign in: one provider by settings, and more in a file.
type OIDC struct {
	Provider
	File string

	more []Provider
}

// Provider is one OpenID Connect provider.
type Provider struct {
	Name            string            `yaml:"name"`
	Label           Label             `yaml:"label"`
	Issuer          string            `yaml:"issuer"`
	ClientID        string            `yaml:"client_id"`
	ClientSecret    Secret            `yaml:"client_secret"`
	Scopes          []string          `yaml:"scopes"`
	RoleClaim       string            `yaml:"role_claim"`
	RoleMap         map[string]string `yaml:"role_map"`
	DefaultRoles    []string          `yaml:"default_roles"`
	Create          bool              `yaml:"create"`
	RequireVerified bool              `yaml:"require_verified"`
}

// Label is a text by language; under "" it is the same in all.
type Label map[string]string

func label(to *Label) Value {
	return value[Label]{to, "string", func(s string) (Label, error) { return Label{"": s}, nil }, func(l Label) string { return l[""] }}
}

// UnmarshalYAML takes a text, or one for each language.
func (l *Label) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = Label{"": n.Value}
		return nil
	}
	return n.Decode((*map[string]string)(l))
}

// Providers lists where people sign in beside this site, those of the file after the one of the settings.
func (o OIDC) Providers() []Provider {
	if o.Issuer == "" {
		return o.more
	}
	return append([]Provider{o.Provider}, o.more...)
}

func checkOIDC(c *Config) error {
	if c.OIDC.Issuer == "" {
		return nil
	}
	return c.checkProvider(c.OIDC.Provider)
}

// checkOIDCFile reads the further providers and checks each as the first one is.
func checkOIDCFile(c *Config) error {
	if c.OIDC.File == "" {
		return nil
	}
	data, err := os.ReadFile(c.OIDC.File)
	if err != nil {
		return errors.New("cannot be read")
	}
	if c.OIDC.more, err = readProviders(data); err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, p := range c.OIDC.Providers() {
		if seen[p.Name] {
			return fmt.Errorf("has a second provider named %q", p.Name)
		}
		seen[p.Name] = true
		if err := c.checkProvider(p); err != nil {
			return fmt.Errorf("has a provider %q that %w", p.Name, err)
		}
	}
	return nil
}

// readProviders is strict: an unknown or repeated name is refused.
func readProviders(data []byte) ([]Provider, error) {
	var nodes []yaml.Node
	if err := yaml.Unmarshal(data, &nodes); err != nil {
		return nil, errors.New("is not a YAML list of providers")
	}
	var list []Provider
	for i := range nodes {
		one, err := yaml.Marshal(&nodes[i])
		if err != nil {
			return nil, errors.New("is not a YAML list of providers")
		}
		p := Default().OIDC.Provider
		p.Name = ""
		d := yaml.NewDecoder(bytes.NewReader(one))
		d.KnownFields(true)
		if err := d.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
			// The library's message may quote a secret: it is left out.
			return nil, fmt.Errorf("has a provider, number %d, with a setting that is unknown or of the wrong kind", i+1)
		}
		list = append(list, p)
	}
	return list, nil
}

var (
	providerName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,31}$`)
	roleName     = regexp.MustCompile(`^[a-z][a-z0-9-]{0,63}$`)
)

func (c *Config) checkProvider(p Provider) error {
	switch {
	case !providerName.MatchString(p.Name):
		return errors.New("needs a name of small letters, digits and dashes")
	case p.ClientID == "":
		return errors.New("needs a client_id")
	case c.PublicURL == "":
		return errors.New("needs public_url, where the provider sends people back to")
	case p.RoleClaim != "" && len(p.RoleMap) == 0, p.RoleClaim == "" && len(p.RoleMap) > 0:
		return errors.New("needs role_claim and role_map together")
	case slices.Contains(p.DefaultRoles, "administrator"):
		return errors.New("must not make everybody an administrator by default_roles")
	}
	for _, role := range p.DefaultRoles {
		if !roleName.MatchString(role) {
			return fmt.Errorf("names %q, which is no role", role)
		}
	}
	for _, role := range p.RoleMap {
		if !roleName.MatchString(role) {
			return fmt.Errorf("names %q, which is no role", role)
		}
	}
	return c.checkIssuer(p.Issuer)
}

// checkIssuer wants encryption, but for a provider on this machine or one that the operator lets through by name.
func (c *Config) checkIssuer(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return errors.New("needs an issuer like https://id.example.org")
	}
	ip, _ := netip.ParseAddr(u.Hostname())
	if u.Scheme == "https" || ip.IsLoopback() || u.Hostname() == "localhost" || slices.Contains(c.Outbound.Allow, HostPort(u)) {
		return nil
	}
	return errors.New("needs an issuer with https, or one that outbound.allow names")
}

// HostPort gives what an address of HTTP connects to.
func HostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}
