package outbound

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

var (
	errScheme    = errors.New("only http and https are spoken")
	errRedirects = fmt.Errorf("more than %d redirects", maxRedirects)
	errLocation  = errors.New("a redirect to what is no address")
	errTooLarge  = errors.New("the body is larger than what is read")
)

// guard is around every exchange: it bounds its time and its size, and hides why it failed.
type guard struct {
	client *Client
	next   http.RoundTripper
}

// RoundTrip makes one hop.
func (g *guard) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := checkURL(r.URL); err != nil {
		return nil, g.client.unreachable(where(r), err)
	}
	ctx, cancel := context.WithDeadline(r.Context(), g.deadline(r))
	hop := r.Clone(ctx)
	hop.Header.Del("Accept-Encoding") // unpacking is done here, where the bytes are counted
	if hop.Header.Get("User-Agent") == "" {
		hop.Header.Set("User-Agent", "Palabre/"+g.client.o.Version)
	}
	res, err := g.next.RoundTrip(hop)
	if err == nil {
		err = checkLocation(res, r.URL)
	}
	if err != nil {
		cancel() // of an answer that there is, the body goes with it
		return nil, g.client.unreachable(where(r), err)
	}
	res.Request = hop // the next hop looks for the deadline here
	res.Body = &body{ReadCloser: res.Body, left: g.client.o.MaxBytes, cancel: cancel,
		hide: func(err error) error { return g.client.unreachable(where(r), err) }}
	return res, nil
}

// deadline is one for all hops: that of the first.
func (g *guard) deadline(r *http.Request) time.Time {
	if r.Response != nil && r.Response.Request != nil {
		if d, ok := r.Response.Request.Context().Deadline(); ok {
			return d
		}
	}
	return time.Now().Add(g.client.o.Timeout)
}

// where names the other side in the log, without what an address may carry in its path or query.
func where(r *http.Request) string { return r.URL.Scheme + "://" + r.URL.Host }

func checkURL(u *url.URL) error {
	if u.Scheme != "http" && u.Scheme != "https" {
		return errScheme
	}
	return nil
}

// checkRedirect runs before a hop; that one's guard and dialer check the rest.
func (c *Client) checkRedirect(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return c.unreachable(where(next), errRedirects)
	}
	return nil
}

// checkLocation finds what net/http would fail on in words of its own.
func checkLocation(res *http.Response, from *url.URL) error {
	location := res.Header.Get("Location")
	if _, err := from.Parse(location); err != nil {
		return errLocation
	}
	return nil
}

// body counts what is read of an answer after it was unpacked.
type body struct {
	io.ReadCloser
	left   int64
	cancel context.CancelFunc
	hide   func(error) error
}

// Read gives the one error when the body is over the limit, does not come in time, or breaks off.
func (b *body) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		n = int(b.left)
		return n, b.fail(errTooLarge)
	}
	b.left -= int64(n)
	if err != nil && err != io.EOF {
		return n, b.fail(err)
	}
	return n, err
}

func (b *body) fail(err error) error {
	b.left = 0
	b.cancel()
	return b.hide(err)
}

// Close ends the exchange.
func (b *body) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}
