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

// wireOutbound makes what opens connections: the one dialer, and on it the mailer and the providers of identities, where
// they are configured. Nothing is connected to yet.
func (a *App) wireOutbound() (err error) {
	a.outbound, err = outbound.New(outbound.Options{Allow: reachableByConfig(a.config), Version: a.options.Version, Logger: a.logger})
	if err != nil {
		return err
	}
	if err := a.wireMailer(); err != nil {
		return err
	}
	return a.wireProviders()
}

// reachableByConfig is what the operator lets through by name, and what he names in other settings.
func reachableByConfig(c *config.Config) []string {
	allow := append([]string(nil), c.Outbound.Allow...)
	if c.SMTP.Enabled() {
		allow = append(allow, net.JoinHostPort(c.SMTP.Host, strconv.Itoa(c.SMTP.Port)))
	}
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
	a.mailer, err = mail.New(mail.Options{Host: s.Host, Port: s.Port, User: s.User, Password: s.Password.Reveal(), From: s.From, TLS: s.TLS,
		Dial: a.outbound.DialContext, Logger: a.logger})
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
