package plugin_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core/plugin"
)

// A manifest that says what cannot be is refused.
func TestManifest_Check(t *testing.T) {
	t.Parallel()
	right := plugin.Manifest{ID: "dev.acme.slugger", Version: "1.0.0", Writes: []string{"article.slug"}, Uninstall: plugin.DropData}
	if err := right.Check(); err != nil {
		t.Error(err)
	}
	for name, spoil := range map[string]func(m *plugin.Manifest){
		"capitals in the ID":     func(m *plugin.Manifest) { m.ID = "dev.Acme" },
		"a slash in the ID":      func(m *plugin.Manifest) { m.ID = "dev.acme/x" },
		"no semantic version":    func(m *plugin.Manifest) { m.Version = "1" },
		"writes without a field": func(m *plugin.Manifest) { m.Writes = []string{"article"} },
		"another disposal":       func(m *plugin.Manifest) { m.Uninstall = "burn-data" },
	} {
		m := right
		if spoil(&m); m.Check() == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
