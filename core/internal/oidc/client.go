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

const (
	retryAfter = 2 * time.Second  // spares a provider that is away from being asked by everybody who tries
	askFor     = 15 * time.Second // how long one is asked for its document
)

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

	mu       sync.Mutex
	asking   chan struct{} // closed when the provider has answered, or cannot be asked; nil before anybody asks
	answered bool          // whether it is closed
	found    *doors
	failed   time.Time // when it was last asked in vain
	why      error
}

// discover asks the provider once where its doors are; when it cannot be asked, again after a moment. All who come
// meanwhile wait for the one answer, and none of them longer than he likes.
func (c *client) discover(ctx context.Context) (*doors, error) {
	select {
	case <-c.asked(ctx):
	case <-ctx.Done():
		return nil, away(ctx.Err())
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.found, c.why
}

// asked sees to it that the provider has been asked, and gives what tells of its answer.
func (c *client) asked(ctx context.Context) <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	tired := c.found == nil && !c.now().Before(c.failed.Add(retryAfter))
	if c.asking == nil || c.answered && tired {
		c.asking, c.answered = make(chan struct{}), false
		go c.askWhere(context.WithoutCancel(ctx)) // it ends by itself: askFor bounds it
	}
	return c.asking
}

func (c *client) askWhere(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	found, err := c.where(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.found, c.why = found, nil
	if err != nil {
		c.found, c.why, c.failed = nil, away(err), c.now()
	}
	c.answered = true
	close(c.asking)
}

func (c *client) where(ctx context.Context) (*doors, error) {
	p, err := gooidc.NewProvider(c.context(ctx), c.Issuer)
	if err != nil {
		return nil, err
	}
	return readDoors(p, c.Issuer)
}

func (c *client) context(ctx context.Context) context.Context {
	return gooidc.ClientContext(ctx, c.http)
}

func (c *client) oauth(d *doors) *oauth2.Config {
	scopes := c.Scopes
	if len(scopes) == 0 {
		scopes = []string{"email", "profile"}
	}
	if !slices.Contains(scopes, gooidc.ScopeOpenID) {
		scopes = append([]string{gooidc.ScopeOpenID}, scopes...)
	}
	at := d.Endpoint()
	at.AuthStyle = d.style(c.ClientSecret)
	return &oauth2.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, Endpoint: at, RedirectURL: c.callback, Scopes: scopes}
}

// identify exchanges the code of an answer for what the provider vouches for.
func (c *client) identify(ctx context.Context, v *visit, answer url.Values) (*Identity, error) {
	d, err := c.discover(ctx)
	if err != nil {
		return nil, err
	}
	if !d.named(c.Issuer, answer) {
		return nil, errIssuer
	}
	ctx = c.context(ctx)
	token, err := c.oauth(d).Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(v.Verifier))
	if err != nil {
		return nil, exchangeError(err)
	}
	id, err := c.verify(ctx, d, token, v.Nonce)
	if err != nil {
		return nil, err
	}
	claims := claims{}
	if err := id.Claims(&claims); err != nil {
		return nil, err
	}
	if c.lacks(claims) {
		if err := c.ask(ctx, d, token, id.Subject, claims); err != nil {
			return nil, err
		}
	}
	return c.identity(id.Subject, claims)
}

// verify checks the ID token: its signature by a key of the provider, issuer, audience and expiry by the library, the
// rest here.
func (c *client) verify(ctx context.Context, d *doors, token *oauth2.Token, nonce string) (*gooidc.IDToken, error) {
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return nil, errNoToken
	}
	id, err := d.VerifierContext(ctx, &gooidc.Config{ClientID: c.ClientID, Now: c.now}).Verify(ctx, raw)
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
func (c *client) ask(ctx context.Context, d *doors, token *oauth2.Token, subject string, into claims) error {
	if d.UserInfoEndpoint() == "" {
		return nil
	}
	info, err := d.Provider.UserInfo(ctx, oauth2.StaticTokenSource(token))
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
