package plugintest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/plugin"
	"github.com/palabre-cms/palabre/core/plugin/plugintest"
)

// Words is the guide's plugin with a computed field.
type Words struct{}

func (p *Words) Manifest() plugin.Manifest {
	return plugin.Manifest{ID: "dev.acme.counter", Version: "1.0.0"}
}

func (p *Words) Register(r *plugin.Registry) error {
	plugin.Computes(r, plugin.Computation{Name: "count", Version: 1, Compute: func(_ context.Context, c core.Computing) (any, error) {
		text, _ := c.Doc["text"].(string)
		return len(strings.Fields(text)), nil
	}})
	return nil
}

func TestWords(t *testing.T) {
	t.Parallel()
	h := plugintest.New(t, &Words{}, plugintest.Types(`{"title":"Letter","type":"object","x-type":{"name":"letter","slug":false},
		"properties":{"text":{"type":"string"},"words":{"type":"integer","x-computed":{"by":"dev.acme.counter/count"}}}}`))
	h.Create("letter", plugintest.Doc{"text": "Once upon a time"}).OK().Has("words", 4)
}
