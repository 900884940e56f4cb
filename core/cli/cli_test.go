package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/palabre-cms/palabre/plugins/all"
)

// Every command says in a line what it does, and shows an example when it takes an argument.
func TestHelp(t *testing.T) {
	t.Parallel()
	var visit func(c *cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: %q is no line of help", c.CommandPath(), c.Short)
		}
		if strings.Contains(c.Use, " ") && c.HasParent() && c.Example == "" {
			t.Errorf("%s takes an argument and has no example", c.CommandPath())
		}
		for _, sub := range c.Commands() {
			visit(sub)
		}
	}
	visit((&program{plugins: all.Plugins()}).root())
}

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0", 12: "12", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

// What a stranger wrote does not reach the terminal as it is.
func TestPrintable(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"Été ×3": "Été ×3", "a\x1b[2Jb": "a\ufffd[2Jb", "a\nb\r": "a\ufffdb\ufffd", "\u202egnp": "\ufffdgnp"} {
		if got := printable(text); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
