package app

import (
	"net"
	"net/url"
	"strconv"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/config"
	"github.com/palabre-cms/palabre/core/internal/mail"
	"github.com/palabre-cms/palabre/core/internal/oidc"
	"github.com/palabre-cms/palabre/core/internal/outbound"
)

// wireOutbound makes what opens connections: the dialer, on it the providers of identities, and the mailer on one that
// reaches the mail server, where they are configured. Nothing is connected to yet.
func (a *App) wireOutbound() (err error) {
	if a.outbound, err = a.dialer(reachableByConfig(a.config)); err != nil {
		return err
	}
	if err := a.wireMailer(); err != nil {
		return err
	}
	return a.wireProviders()
}

// dialer makes a client that reaches the public internet and what is let through.
func (a *App) dialer(allow []string) (*outbound.Client, error) {
	return outbound.New(outbound.Options{Allow: allow, Version: a.options.Version, Logger: a.logger})
}

// reachableByConfig is what the operator lets through by name, and what he names in other settings but for the mail server.
func reachableByConfig(c *config.Config) []string {
	allow := append([]string(nil), c.Outbound.Allow...)
	for _, p := range c.OIDC.Providers() {
		if u, err := url.Parse(p.Issuer); err == nil {
			allow = append(allow, config.HostPort(u))
		}
	}
	return allow
}

func (a *App) wireMailer() (err error) {
	s := a.config.SMTP
	if !s.Enabled() {
		return nil
	}
	dialer, err := a.dialer([]string{net.JoinHostPort(s.Host, strconv.Itoa(s.Port))})
	if err != nil {
		return err
	}
	a.mailer, err = mail.New(mail.Options{Host: s.Host, Port: s.Port, User: s.User, Password: s.Password.Reveal(), From: s.From, TLS: s.TLS,
		Dial: dialer.DialContext, Logger: a.logger})
	return err
}

func (a *App) wireProviders() error {
	configured := a.config.OIDC.Providers()
	if len(configured) == 0 {
		return nil
	}
	key, err := a.sharedSecret("oidc-key")
	if err != nil {
		return err
	}
	var providers []oidc.Provider
	for _, p := range configured {
		providers = append(providers, providerOf(p))
	}
	a.identities, err = oidc.New(oidc.Options{Providers: providers, HTTP: a.outbound.HTTP(), Key: key, Now: a.clock.Now, Logger: a.logger,
		Callback: func(name string) string { return a.config.PublicURL + oidcPath + url.PathEscape(name) + "/callback" }})
	return err
}

// oidcPath is where httpapi has the two halves of a sign-in with a provider: {name}, and {name}/callback.
const oidcPath = "/api/v1/auth/oidc/"

func providerOf(p config.Provider) oidc.Provider {
	return oidc.Provider{Name: p.Name, Label: labelOf(p), Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: p.ClientSecret.Reveal(), Scopes: p.Scopes,
		RoleClaim: p.RoleClaim, RoleMap: p.RoleMap, DefaultRoles: p.DefaultRoles, Create: p.Create, AnyEmail: !p.RequireVerified}
}

func labelOf(p config.Provider) core.Text {
	same := p.Label[""]
	if same == "" {
		same = p.Name
	}
	label := core.Text{"en": same, "fr": same}
	for lang, text := range p.Label {
		if lang != "" {
			label[core.Locale(lang)] = text
		}
	}
	return label
}
