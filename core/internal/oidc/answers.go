package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"

	"golang.org/x/oauth2"
)

const (
	maxAnswer = 1 << 20 // the most that a provider's answer weighs
	maxCause  = 300     // the most that the log is told of a failure
)

var errAnswer = errors.New("the provider’s answer is too large")

// ownClient is a client that asks as another does, but carries no secret on, and reads only what a provider has to say.
func ownClient(c *http.Client) *http.Client {
	own := *c
	own.Transport = &answers{next: c.Transport}
	own.CheckRedirect = func(next *http.Request, via []*http.Request) error {
		first := via[0]
		if first.Method != http.MethodGet || first.URL.Scheme == "https" && next.URL.Scheme != "https" {
			return http.ErrUseLastResponse
		}
		if c.CheckRedirect != nil {
			return c.CheckRedirect(next, via)
		}
		return nil
	}
	return &own
}

// answers empties whatever is no answer: the libraries put it into their errors whole, and those go to the log. It may hold
// what the provider was sent.
type answers struct{ next http.RoundTripper }

// RoundTrip makes one hop.
func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := a.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errAnswer
	}
	if !speaks(r, res, body) {
		body = nil
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, nil
}

// speaks reports whether an answer is one: JSON, or a signed user info, and of what is only read nothing but success.
func speaks(r *http.Request, res *http.Response, body []byte) bool {
	if r.Method == http.MethodGet && res.StatusCode != http.StatusOK {
		return false
	}
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return kind == "application/jwt" || json.Valid(body)
}

// told words a failure for the log.
func told(err error) string {
	text := err.Error()
	var no *oauth2.RetrieveError
	if errors.As(err, &no) {
		text = fmt.Sprintf("the token was refused: %d %q", no.Response.StatusCode, no.ErrorCode)
	}
	return strings.ToValidUTF8(text[:min(len(text), maxCause)], "")
}
