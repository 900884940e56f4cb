package app

import (
	"context"
	"errors"
	"io"
	"log/slog"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/core/internal/transfer"
)

// Client does on a running server, through its API, what App does on a data directory.
type Client struct{ *transfer.Client }

// NewClient makes a client of the server at a URL. The token may be empty for what is public.
func NewClient(url, token string) (*Client, error) {
	c, err := transfer.NewClient(url, token)
	return &Client{c}, err
}

// types are the content types of the server, as the token may see them.
func (c *Client) types(ctx context.Context) (core.Types, error) {
	list, err := c.Types(ctx)
	if err != nil {
		return nil, err
	}
	compiler := &schema.Compiler{Lenient: true} // the server's plugins may know more
	var compiled []*core.Type
	for _, remote := range list {
		t, err := compiler.Compile(ctx, remote.Schema)
		if err != nil && remote.Name.System() {
			continue // a system type may refer to types that this site has not, or that the token must not know
		}
		if err != nil {
			return nil, core.Wrap("the type "+string(remote.Name)+" of the server", err)
		}
		compiled = append(compiled, t)
	}
	return newRegistry(compiler, compiled, slog.New(slog.DiscardHandler)), nil
}

// Import writes the entries of an input into the server.
func (c *Client) Import(ctx context.Context, in io.Reader, o ImportOptions) (*ImportReport, error) {
	types, err := c.types(ctx)
	if err != nil {
		return nil, err
	}
	o.Types = types
	return transfer.Import(ctx, in, transfer.Remote{Client: c.Client}, o)
}

// Export writes the entries of a type of the server and reports how many: as the server exports them, which needs the right
// to export, or with an older server as it lists them.
func (c *Client) Export(ctx context.Context, out io.Writer, o ExportOptions) (int, error) {
	types, err := c.types(ctx)
	if err != nil {
		return 0, err
	}
	t, err := typeNamed(types, o.Type)
	if err != nil {
		return 0, err
	}
	n, err := c.Download(ctx, out, o.of(t), o.State, o.Filter)
	if errors.Is(err, transfer.ErrNoDownload) {
		return transfer.Export(ctx, out, c.Pages(t, o.State, o.Filter, o.Locale), o.of(t))
	}
	return n, err
}
