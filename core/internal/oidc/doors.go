package oidc

import (
	"errors"
	"net/url"
	"slices"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

var errDoors = errors.New("the provider’s document names an address that it must not: each must be one of the web, and with https where the issuer has it")

// doors are what a provider's document says of it.
type doors struct {
	*gooidc.Provider
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	UserInfo      string   `json:"userinfo_endpoint"`
	Methods       []string `json:"token_endpoint_auth_methods_supported"`
	NamesItself   bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

// readDoors checks the addresses of a document: the secret, the code and the user's own token go there.
func readDoors(p *gooidc.Provider, issuer string) (*doors, error) {
	d := &doors{}
	if err := p.Claims(d); err != nil {
		return nil, err
	}
	d.Provider = p
	for _, address := range []string{d.Authorization, d.Token, d.Keys} {
		if !leadsOn(issuer, address) {
			return nil, errDoors
		}
	}
	if d.UserInfo != "" && !leadsOn(issuer, d.UserInfo) {
		return nil, errDoors
	}
	return d, nil
}

// leadsOn reports whether an issuer may send anybody to an address.
func leadsOn(issuer, address string) bool {
	from, fromErr := url.Parse(issuer)
	to, err := url.Parse(address)
	if fromErr != nil || err != nil || to.Host == "" {
		return false
	}
	return to.Scheme == "https" || to.Scheme == "http" && from.Scheme == "http"
}

// style is where the secret goes: to try both would send a code twice, of which a careful provider takes the second for theft.
func (d *doors) style(secret string) oauth2.AuthStyle {
	basic := len(d.Methods) == 0 || slices.Contains(d.Methods, "client_secret_basic") // the default of the specification
	if secret == "" || !basic && slices.Contains(d.Methods, "client_secret_post") {
		return oauth2.AuthStyleInParams
	}
	return oauth2.AuthStyleInHeader
}

// named reports whether an answer comes from this issuer, as far as it must say so: no answer of one provider is taken to
// another.
func (d *doors) named(issuer string, answer url.Values) bool {
	names := answer["iss"]
	return len(names) == 0 && !d.NamesItself || len(names) == 1 && names[0] == issuer
}
