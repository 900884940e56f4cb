package transfer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// Client speaks to a running server through its API. It may be used at once.
type Client struct {
	base     string
	token    string
	http     *http.Client
	patience time.Duration // how long a server that is away or busy is asked again
}

// maxAnswer is the most that is read of one answer.
const maxAnswer = 64 << 20

// NewClient makes a client of the server at a URL; the token may be empty for what is public.
func NewClient(base, token string) (*Client, error) {
	u, err := url.Parse(strings.TrimRight(base, "/"))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, core.Errorf(core.CodeBadRequest, "%q is not the URL of a server, such as http://127.0.0.1:8080.", base)
	}
	client := &http.Client{Timeout: 2 * time.Minute, CheckRedirect: keepToken}
	return &Client{base: u.String(), token: token, http: client, patience: 30 * time.Second}, nil
}

// Long gives a client of the same server that waits for an answer as long as it takes: only ctx ends its calls.
func (c *Client) Long() *Client {
	long, patient := *c, *c.http
	patient.Timeout = 0
	long.http = &patient
	return &long
}

// keepToken follows redirects on the same host only: the token is for nobody else.
func keepToken(req *http.Request, via []*http.Request) error {
	if len(via) >= 5 || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

// Call sends a request and reads the answer into out (nil for none). A refusal is the *core.Error that the server
// meant. A server that is away or busy is asked again for a while, where repeating does no harm.
func (c *Client) Call(ctx context.Context, method, path string, body, out any, repeat bool) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	if !repeat {
		_, err := c.once(ctx, method, path, text, out)
		return err
	}
	return c.insist(ctx, func() (time.Duration, error) { return c.once(ctx, method, path, text, out) })
}

// insist repeats an attempt for a while as long as the server is away or busy. An attempt gives how long the server asks
// to wait.
func (c *Client) insist(ctx context.Context, attempt func() (after time.Duration, err error)) error {
	until := time.Now().Add(c.patience)
	for pause := 200 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		after, err := attempt()
		if !passing(err) || time.Now().Add(pause).After(until) {
			return err
		}
		select {
		case <-time.After(max(pause, after)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func passing(err error) bool {
	code := core.CodeOf(err)
	return code == core.CodeUnavailable || code == core.CodeRateLimited
}

// once makes one attempt. after is how long the server asks to wait.
func (c *Client) once(ctx context.Context, method, path string, body []byte, out any) (after time.Duration, err error) {
	res, err := c.send(ctx, method, path, body)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return 0, c.away(ctx, err)
	}
	if res.StatusCode >= 300 {
		return waitFor(res), c.refusal(res.StatusCode, answer)
	}
	return 0, c.decode(answer, out)
}

// send makes one request and gives the answer, whose body the caller closes.
func (c *Client) send(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Accept-Language", "en")
	res, err := c.http.Do(req)
	if err != nil {
		return nil, c.away(ctx, err)
	}
	return res, nil
}

func waitFor(res *http.Response) time.Duration {
	seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	return time.Duration(seconds) * time.Second
}

func (c *Client) away(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return core.Errorf(core.CodeUnavailable, "The server at %s does not answer: %w", c.base, errors.Unwrap(err))
}

func (c *Client) decode(answer []byte, out any) error {
	if out == nil || len(answer) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(answer))
	d.UseNumber()
	if err := d.Decode(out); err != nil {
		return core.Errorf(core.CodeInternal, "%s does not answer as Palabre does: %w", c.base, err)
	}
	return nil
}

// problem is a refusal as it comes over HTTP.
type problem struct {
	Status int               `json:"status"`
	Code   core.Code         `json:"code"`
	Title  string            `json:"title"`
	Detail string            `json:"detail"`
	Errors []core.FieldError `json:"errors"`
	Reason string            `json:"reason"`
	Review *core.Review      `json:"review"`
}

func (c *Client) refusal(status int, answer []byte) error {
	p := problem{Status: status}
	if err := json.Unmarshal(answer, &p); err != nil || p.Title == "" && p.Detail == "" {
		p.Detail = c.base + " answers " + strconv.Itoa(status) + " " + http.StatusText(status)
	}
	return p.err()
}

func (p *problem) err() error {
	e := &core.Error{Code: p.Code, Message: p.Detail, Fields: p.Errors, Reason: p.Reason}
	if e.Message == "" {
		e.Message = p.Title
	}
	if e.Code == "" {
		e.Code = codeOf(p.Status)
	}
	if p.Review != nil {
		e.Extra = map[string]any{"review": p.Review}
	}
	return e
}

// codeOf guesses what a proxy that knows nothing of Palabre meant.
func codeOf(status int) core.Code {
	switch {
	case status == http.StatusUnauthorized:
		return core.CodeUnauthenticated
	case status == http.StatusForbidden:
		return core.CodeForbidden
	case status == http.StatusNotFound:
		return core.CodeNotFound
	case status == http.StatusTooManyRequests:
		return core.CodeRateLimited
	case status == http.StatusBadGateway, status == http.StatusServiceUnavailable, status == http.StatusGatewayTimeout:
		return core.CodeUnavailable
	}
	return core.CodeInternal
}
