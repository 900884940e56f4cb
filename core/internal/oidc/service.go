package oidc

import (
	"context"
	"crypto/cipher"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/oauth2"

	"github.com/palabre-cms/palabre/core"
)

// Provider is one place to sign in, as it is configured.
type Provider struct {
	Name         string // in addresses: "ministry"
	Label        core.Text
	Issuer       string
	ClientID     string
	ClientSecret string
	Scopes       []string // openid, email and profile

	RoleClaim    string            // where roles stand in the claims, dotted: "realm_access.roles"; "" for nowhere
	RoleMap      map[string]string // a value of that claim → the name of a role
	DefaultRoles []string          // of who has none by the claim
	Create       bool              // make accounts at the first sign-in
	// AnyEmail makes accounts for addresses that the provider has not verified too. They never join an account that there is.
	AnyEmail bool
}

// Options is what a Service is made of. All but Now and Logger are required.
type Options struct {
	Providers []Provider
	HTTP      *http.Client // what speaks with the providers, with a Transport of its own
	Key       []byte       // 32 bytes, the same on all nodes
	// Callback is the absolute address at which a provider's answer arrives.
	Callback func(provider string) string
	Now      func() time.Time
	Logger   *slog.Logger
}

// Identity is what a provider vouches for.
type Identity struct {
	Provider string
	Issuer   string
	Subject  string
	Email    string
	Verified bool // whether the provider has checked the address
	Name     string
	Roles    []string // nil when the provider's claims say nothing of roles
}

// Key is what tells an identity from all others.
func (i *Identity) Key() string { return i.Issuer + "|" + i.Subject }

// Service speaks with the providers. Make it with New. Its methods may be called at once.
type Service struct {
	o       Options
	seal    cipher.AEAD
	clients map[string]*client
	order   []string
	spent   *spent
}

// New makes a Service. It asks no provider for anything: that is done when somebody signs in.
func New(o Options) (*Service, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	seal, err := newSeal(o.Key)
	if err != nil || o.HTTP == nil || o.HTTP.Transport == nil || o.Callback == nil {
		return nil, core.Errorf(core.CodeInvalid, "oidc: a key of 32 bytes, an HTTP client and the address of answers are needed")
	}
	web := ownClient(o.HTTP)
	s := &Service{o: o, seal: seal, clients: map[string]*client{}, spent: newSpent()}
	for _, p := range o.Providers {
		if s.clients[p.Name] != nil || p.Name == "" || p.Issuer == "" || p.ClientID == "" {
			return nil, core.Errorf(core.CodeInvalid, "oidc: the provider %q needs a name of its own, an issuer and a client", p.Name)
		}
		s.clients[p.Name] = &client{Provider: p, http: web, now: o.Now, callback: o.Callback(p.Name)}
		s.order = append(s.order, p.Name)
	}
	return s, nil
}

// Providers lists where one can sign in, in the order of the configuration.
func (s *Service) Providers() []core.IdentityProvider {
	list := make([]core.IdentityProvider, 0, len(s.order))
	for _, name := range s.order {
		list = append(list, core.IdentityProvider{Name: name, Label: s.clients[name].Label})
	}
	return list
}

// provider gives a provider's configuration.
func (s *Service) provider(name string) (Provider, bool) {
	c, ok := s.clients[name]
	if !ok {
		return Provider{}, false
	}
	return c.Provider, true
}

// Begin gives the address to send the browser to, and what it must bring back with the provider's answer. back is the path
// of this site to go to in the end; "" is "/". CodeNotFound for an unknown provider, CodeInvalid for a back that leads
// elsewhere, CodeUnavailable when the provider cannot be asked.
func (s *Service) Begin(ctx context.Context, provider, back string) (redirect, state string, err error) {
	c, ok := s.clients[provider]
	if !ok {
		return "", "", noProvider()
	}
	if back == "" {
		back = "/"
	}
	if !Local(back) {
		return "", "", badBack()
	}
	d, err := c.discover(ctx)
	if err != nil {
		return "", "", s.failed(provider, err)
	}
	v := newVisit(provider, back, s.o.Now())
	redirect = c.oauth(d).AuthCodeURL(v.State, oauth2.SetAuthURLParam("nonce", v.Nonce), oauth2.S256ChallengeOption(v.Verifier))
	return redirect, s.close(v), nil
}

// End takes a provider's answer, once for each Begin. CodeUnauthenticated for all that does not hold, in the same words.
func (s *Service) End(ctx context.Context, provider string, answer url.Values, state string) (*Identity, string, error) {
	c, ok := s.clients[provider]
	if !ok {
		return nil, "", noProvider()
	}
	v, err := s.open(state)
	if err == nil {
		err = v.fits(provider, answer, s.o.Now())
	}
	if err == nil && !s.spent.take(v.State, v.Expires, s.o.Now()) {
		err = errSpent
	}
	if err != nil {
		return nil, "", s.refused(provider, err)
	}
	identity, err := c.identify(ctx, v, answer)
	if err != nil {
		return nil, "", s.failed(provider, err)
	}
	return identity, v.Back, nil
}

// failed passes on that the provider is away, and hides everything else.
func (s *Service) failed(provider string, err error) error {
	if e, ok := core.AsError(err); ok && e.Code == core.CodeUnavailable {
		s.o.Logger.Warn("a provider of identities cannot be asked", "provider", provider, "cause", told(err))
		return err
	}
	return s.refused(provider, err)
}

func (s *Service) refused(provider string, cause error) error {
	s.o.Logger.Info("a sign-in with a provider was refused", "provider", provider, "cause", told(cause))
	return notSignedIn()
}
