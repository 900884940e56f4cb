package cli

import (
	"net"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/core/app"
)

// health is for containers, whose images hold nothing that could ask otherwise.
func (p *program) health() *cobra.Command {
	var url string
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running server whether it can serve reads; exit code 1 when not",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if url == "" {
				c, err := p.load()
				if err != nil {
					return err
				}
				url = "http://" + loopback(c.Listen)
			}
			client, err := app.NewClient(url, "")
			if err != nil {
				return usageError{err}
			}
			return client.Call(cmd.Context(), http.MethodGet, "/readyz", nil, nil, false)
		},
	}
	cmd.Flags().StringVar(&url, "url", "", "the server (default the one that listens as configured)")
	return cmd
}

// loopback is where a server that listens on every address is reached from here.
func loopback(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}
