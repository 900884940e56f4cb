package transfer

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// ErrNoDownload says that a server is too old to give out exports as files.
var ErrNoDownload = errors.New("the server gives out no exports")

// Download writes what the server exports of a type and reports how many entries; see Pages for what state, filter and
// locale mean. It waits for the answer as long as it takes. ErrNoDownload when the server cannot, and nothing was written.
func (c *Client) Download(ctx context.Context, out io.Writer, o ExportOptions, state core.State, filter string) (int, error) {
	params := exportParams(state, filter, o.Locale)
	if o.Format != "" {
		params.Set("format", string(o.Format))
	}
	path := "/api/v1/export/" + url.PathEscape(string(o.Type.Name)) + "?" + params.Encode()
	total, begun := 0, false
	err := c.Long().insist(ctx, func() (after time.Duration, err error) {
		res, err := c.Long().send(ctx, http.MethodGet, path, nil)
		if err != nil {
			return 0, err
		}
		defer res.Body.Close()
		if res.StatusCode >= 300 {
			answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
			return waitFor(res), errors.Join(c.refusal(res.StatusCode, answer), err)
		}
		begun = true
		total, _ = strconv.Atoi(res.Header.Get("X-Total-Count"))
		return 0, c.keep(ctx, out, res.Body, o.Progress, total)
	})
	if !begun && core.CodeOf(err) == core.CodeNotFound {
		return 0, ErrNoDownload // the type is there: the caller has asked
	}
	return total, err
}

// keep copies a file and tells how far it has come, by its lines.
func (c *Client) keep(ctx context.Context, out io.Writer, file io.Reader, progress func(written, of int), total int) error {
	lines := &lineCounter{out: out, of: total, tell: progress}
	if _, err := io.Copy(lines, file); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return core.Errorf(core.CodeInternal, "The export from %s broke off: %w", c.base, err)
	}
	if progress != nil {
		progress(total, total)
	}
	return nil
}

// lineCounter tells how many lines have gone through it, and never more than there are entries.
type lineCounter struct {
	out       io.Writer
	lines, of int
	tell      func(written, of int)
}

func (w *lineCounter) Write(b []byte) (int, error) {
	n, err := w.out.Write(b)
	for _, c := range b[:n] {
		if c == '\n' {
			w.lines++
		}
	}
	if w.tell != nil {
		w.tell(min(w.lines, w.of), w.of)
	}
	return n, err
}
