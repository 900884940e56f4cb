package core

import "context"

// Origin is where a request came from, for the audit. It is personal data, kept for a limited time.
type Origin struct {
	Address string `json:"address,omitempty"` // IP address, as far as the trusted proxies tell
	Agent   string `json:"agent,omitempty"`   // User-Agent, at most 200 characters
	Request string `json:"request,omitempty"` // X-Request-Id, which the server's log has too
}

type originKey struct{}

// WithOrigin notes in ctx where the request came from.
func WithOrigin(ctx context.Context, o *Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf gives where the request came from; nil for what came from nowhere, as a schedule.
func OriginOf(ctx context.Context) *Origin {
	o, _ := ctx.Value(originKey{}).(*Origin)
	return o
}
