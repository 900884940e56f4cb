package oidc

import (
	"errors"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// maxSubject is the most that OpenID Connect lets a subject be; with the issuer it must fit into an account.
const (
	maxSubject = 255
	maxName    = 200
)

var errNoSubject = errors.New("the subject cannot be used")

// claims are what a provider says of a user.
type claims map[string]any

func (c claims) text(name string) string {
	s, _ := c[name].(string)
	return strings.TrimSpace(s)
}

// verified knows both spellings: some providers send the word.
func (c claims) verified() bool {
	switch v := c["email_verified"].(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	return false
}

// at gives what stands at a dotted path. A claim whose own name has dots, as an address has, is found by its whole name.
func (c claims) at(path string) (any, bool) {
	if v, ok := c[path]; ok {
		return v, true
	}
	var v any = map[string]any(c)
	for name := range strings.SplitSeq(path, ".") {
		object, _ := v.(map[string]any)
		next, ok := object[name]
		if !ok {
			return nil, false
		}
		v = next
	}
	return v, true
}

// words gives the strings of a claim: one, several, or the names of an object's members.
func words(v any) []string {
	var list []string
	switch v := v.(type) {
	case string:
		list = []string{v}
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				list = append(list, s)
			}
		}
	case map[string]any:
		for name := range v {
			list = append(list, name)
		}
	}
	return list
}

func (c *client) identity(subject string, claims claims) (*Identity, error) {
	i := &Identity{Provider: c.Name, Issuer: c.Issuer, Subject: subject, Email: claims.text("email"), Verified: claims.verified(), Name: claims.text("name")}
	if subject == "" || len(subject) > maxSubject || !oneLine(subject) {
		return nil, errNoSubject
	}
	if i.Name == "" {
		i.Name = strings.TrimSpace(claims.text("given_name") + " " + claims.text("family_name"))
	}
	i.Name = clean(i.Name)
	if c.RoleClaim != "" {
		i.Roles = c.roles(claims)
	}
	return i, nil
}

// roles maps the claim's values; without any that is known, it gives the default.
func (c *client) roles(claims claims) []string {
	roles := []string{}
	v, _ := claims.at(c.RoleClaim)
	for _, word := range words(v) {
		if role, ok := c.RoleMap[word]; ok && !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	if len(roles) == 0 {
		roles = c.defaults()
	}
	slices.Sort(roles)
	return roles
}

// defaults never hold the administrator: that role is given to somebody in particular.
func (p *Provider) defaults() []string {
	roles := []string{}
	for _, role := range p.DefaultRoles {
		if role != administrator {
			roles = append(roles, role)
		}
	}
	return roles
}

const administrator = "administrator"

// clean makes a name of a provider's fit to be stored and shown on one line.
func clean(name string) string {
	name = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(name, ""), func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }), " ")
	if runes := []rune(name); len(runes) > maxName {
		name = string(runes[:maxName])
	}
	return name
}

func oneLine(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func noProvider() error {
	return refuse(core.CodeNotFound, "There is no such way of signing in.", "Ce moyen de connexion n’existe pas.")
}

func badBack() error {
	return refuse(core.CodeInvalid, "The way back must be a path of this site.", "L’adresse de retour doit être un chemin de ce site.")
}

func notSignedIn() error {
	return refuse(core.CodeUnauthenticated, "Signing in did not work. Start again.", "La connexion n’a pas abouti. Recommencez.")
}

func refuse(code core.Code, en, fr string) error {
	return &core.Error{Op: "oidc", Code: code, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}
