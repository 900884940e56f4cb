package outbound

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/palabre-cms/palabre/core"
)

const maxRedirects = 5

// Options is what a Client is made of. The zero Options are fine.
type Options struct {
	// Allow is what the operator lets through beside the public internet: "host:port", where the host is a name or an
	// address, or a network such as 10.1.0.0/16, on ports 80 and 443.
	Allow []string

	ConnectTimeout time.Duration // 3 s
	Timeout        time.Duration // of a whole exchange, with its redirects and the body of the answer; 15 s
	MaxBytes       int64         // the most that a body of an answer weighs, unpacked; 10 MB

	Version  string // of the program, for User-Agent; "dev"
	Logger   *slog.Logger
	Resolver *net.Resolver // nil for the system's
}

// Client opens connections. Make it with New. Its methods may be called at once.
type Client struct {
	o     Options
	allow allowed
	http  *http.Client
}

// New makes a Client. An entry of Allow that cannot be read is CodeInvalid.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	allow, err := readAllowed(o.Allow)
	if err != nil {
		return nil, err
	}
	c := &Client{o: o, allow: allow}
	c.http = &http.Client{Transport: &guard{client: c, next: c.transport()}, CheckRedirect: c.checkRedirect}
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.ConnectTimeout <= 0 {
		o.ConnectTimeout = 3 * time.Second
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 10e6
	}
	if o.Version == "" {
		o.Version = "dev"
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// transport has no proxy of the environment: an address that is checked here must be the one that is spoken to.
func (c *Client) transport() *http.Transport {
	return &http.Transport{
		DialContext:            c.dial,
		TLSHandshakeTimeout:    c.o.ConnectTimeout,
		ResponseHeaderTimeout:  c.o.Timeout,
		IdleConnTimeout:        30 * time.Second,
		MaxIdleConns:           20,
		MaxIdleConnsPerHost:    2,
		MaxConnsPerHost:        8,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// HTTP gives the client for everything that speaks HTTP. It has no cookies. It, and the bodies of its answers, fail with
// the one error of this package, within an *url.Error as usual.
func (c *Client) HTTP() *http.Client { return c.http }

// DialContext connects to host:port for whatever does not speak HTTP. The network is "tcp", "tcp4" or "tcp6".
func (c *Client) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, c.unreachable(address, err)
	}
	return conn, nil
}

// unreachable notes the cause and gives the error that tells nothing of it. That the caller himself has left is kept,
// since that is his own doing and no failure.
func (c *Client) unreachable(where string, cause error) error {
	if e, ok := core.AsError(cause); ok && e.Reason == Reason {
		return cause
	}
	c.o.Logger.Info("an address was not reached", "address", where, "cause", cause.Error())
	e := &core.Error{Op: "outbound", Code: core.CodeUnavailable, Reason: Reason, Message: sentence["en"], Texts: sentence}
	if errors.Is(cause, context.Canceled) {
		e.Err = context.Canceled
	}
	return e
}

// Reason is the Reason of every error of this package.
const Reason = "outbound"

var sentence = core.Text{"en": "The address cannot be reached.", "fr": "L’adresse ne peut pas être atteinte."}
