package core

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// Origin is where a request came from, for the audit. It is personal data, kept for a limited time.
type Origin struct {
	Address string `json:"address,omitempty"` // IP address, as far as the trusted proxies tell
	Agent   string `json:"agent,omitempty"`   // User-Agent, at most 200 characters
	Request string `json:"request,omitempty"` // X-Request-Id, which the server's log has too
}

type originKey struct{}

// WithOrigin notes in ctx where the request came from: of each part as much as is kept, without what is not UTF-8.
func WithOrigin(ctx context.Context, o *Origin) context.Context {
	if o != nil {
		o = o.shortened()
	}
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf gives where the request came from; nil for what came from nowhere, as a schedule.
func OriginOf(ctx context.Context) *Origin {
	o, _ := ctx.Value(originKey{}).(*Origin)
	return o
}

// The most that is kept of an origin's parts, in bytes.
const (
	maxAddress = 64
	maxAgent   = 200
	maxRequest = 64
)

// shortened gives the origin as it can be stored: what callers send is neither short nor UTF-8 by itself.
func (o *Origin) shortened() *Origin {
	return &Origin{Address: atMost(o.Address, maxAddress), Agent: atMost(o.Agent, maxAgent), Request: atMost(o.Request, maxRequest)}
}

func atMost(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	return strings.ToValidUTF8(s, "")
}

// sealOrigin makes the digest that stands for the origin in the sum, with a new salt where it has none.
func (c *Commit) sealOrigin() {
	if c.OriginSalt == "" {
		c.OriginSalt = NewSalt()
	}
	c.OriginDigest = c.Origin.digest(c.OriginSalt)
}

func (o *Origin) digest(salt string) string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q", salt, o.Address, o.Agent, o.Request)
	return hex.EncodeToString(h.Sum(nil))
}

// originStands reports whether the origin is the one that was sealed, or was forgotten.
func (c *Commit) originStands() bool {
	if c.Origin == nil {
		return c.OriginSalt == ""
	}
	return c.OriginSalt != "" && c.OriginDigest == c.Origin.digest(c.OriginSalt)
}

// Forget takes the origin out of a sealed commit, for good. The sum stays and can still be checked, since the digest is
// kept; without the salt nobody can tell from it what it was.
func (c *Commit) Forget() { c.Origin, c.OriginSalt = nil, "" }

// Forgotten reports whether the commit had an origin.
func (c *Commit) Forgotten() bool { return c.Origin == nil && c.OriginDigest != "" }
