package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/palabre-cms/palabre/core"
)

// retryAfter spares a provider that is away from being asked by everybody who tries.
const retryAfter = 2 * time.Second

var (
	errNoToken = errors.New("the provider gave no ID token")
	errNonce   = errors.New("the ID token has another nonce")
	errParty   = errors.New("the ID token was made for another client")
	errIssuer  = errors.New("the answer comes from another issuer")
	errSubject = errors.New("the user info is about somebody else")
)

// client is this site's side of one provider.
type client struct {
	Provider
	http     *http.Client
	now      func() time.Time
	callback string

	mu     sync.Mutex
	found  *gooidc.Provider
	failed time.Time // when it was last asked in vain
	why    error
}

// discover asks the provider once where its doors are; when it cannot be asked, again after a moment.
func (c *client) discover(ctx context.Context) (*gooidc.Provider, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.found != nil {
		return c.found, nil
	}
	if c.why != nil && c.now().Before(c.failed.Add(retryAfter)) {
		return nil, c.why
	}
	// What is found outlives the request: the keys are asked for again through the same context.
	found, err := gooidc.NewProvider(c.context(context.WithoutCancel(ctx)), c.Issuer)
	if err != nil {
		c.failed, c.why = c.now(), away(err)
		return nil, c.why
	}
	c.found, c.why = found, nil
	return found, nil
}

func (c *client) context(ctx context.Context) context.Context {
	return gooidc.ClientContext(ctx, c.http)
}

func (c *client) oauth(p *gooidc.Provider) *oauth2.Config {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{"email", "profile"}
	}
	if !slices.Contains(scopes, gooidc.ScopeOpenID) {
		scopes = append([]string{gooidc.ScopeOpenID}, scopes...)
	}
	return &oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, Endpoint: p.Endpoint(), RedirectURL: c.callback, Scopes: scopes}
}

// identify exchanges the code of an answer for what the provider vouches for.
func (c *client) identify(ctx context.Context, v *visit, answer url.Values) (*Identity, error) {
	if iss := answer.Get("iss"); iss != "" && iss != c.Issuer { // RFC 9207: no answer of one provider is taken to another
		return nil, errIssuer
	}
	p, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	ctx = c.context(ctx)
	token, err := c.oauth(p).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(v.Verifier))
	if err != nil {
		return nil, exchangeError(err)
	}
	id, err := c.verify(ctx, p, token, v.Nonce)
	if err != nil {
		return nil, err
	}
	claims := claims{}
	if err := id.Claims(&claims); err != nil {
		return nil, err
	}
	if c.lacks(claims) {
		if err := c.ask(ctx, p, token, id.Subject, claims); err != nil {
			return nil, err
		}
	}
	return c.identity(id.Subject, claims)
}

// verify checks the ID token: its signature by a key of the provider, issuer, audience and expiry by the library, the
// rest here.
func (c *client) verify(ctx context.Context, p *gooidc.Provider, token *oauth2.Token, nonce string) (*gooidc.IDToken, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errNoToken
	}
	id, err := p.VerifierContext(ctx, &gooidc.Config{ClientID: c.ClientID, Now: c.now}).Verify(ctx, raw)
	if err != nil {
		return nil, fmt.Errorf("the ID token: %w", err)
	}
	if !same(id.Nonce, nonce) {
		return nil, errNonce
	}
	var party struct {
		Azp string `json:"azp"`
	}
	if err := id.Claims(&party); err != nil || (party.Azp != "" || len(id.Audience) > 1) && party.Azp != c.ClientID {
		return nil, errParty
	}
	if id.AccessTokenHash != "" {
		return id, id.VerifyAccessToken(token.AccessToken)
	}
	return id, nil
}

// lacks reports whether the ID token leaves something to ask for.
func (c *client) lacks(claims claims) bool {
	_, roles := claims.at(c.RoleClaim)
	return claims.text("email") == "" || claims.text("name") == "" || c.RoleClaim != "" && !roles
}

// ask adds what the provider tells of the user beside the ID token; that has the last word.
func (c *client) ask(ctx context.Context, p *gooidc.Provider, token *oauth2.Token, subject string, into claims) error {
	if p.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := p.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return away(err)
	}
	if info.Subject != subject {
		return errSubject
	}
	more := claims{}
	if err := info.Claims(&more); err != nil {
		return err
	}
	// An address and whether it was verified belong together: they are taken from the same place.
	without := more
	if into.text("email") == "" {
		without = into
	}
	delete(without, "email")
	delete(without, "email_verified")
	for name, v := range more {
		if _, known := into[name]; !known {
			into[name] = v
		}
	}
	return nil
}

// exchangeError tells a provider that says no from one that is away.
func exchangeError(err error) error {
	var no *oauth2.RetrieveError
	if errors.As(err, &no) && no.Response.StatusCode < http.StatusInternalServerError {
		return err
	}
	return away(err)
}

func away(err error) error {
	const en, fr = "That way of signing in is not available for now.", "Ce moyen de connexion n’est pas disponible pour le moment."
	return &core.Error{Op: "oidc", Code: core.CodeUnavailable, Reason: "oidc", Message: en, Texts: core.Text{"en": en, "fr": fr}, Err: errors.New(err.Error())}
}
