package schema

import (
	"context"
	"embed"
	"io/fs"

	"github.com/palabre-cms/palabre/core"
)

//go:embed system/*.json
var systemFiles embed.FS

// System compiles the types that Palabre itself needs: "_type", whose entries are the content types, "_user", "_role",
// "_token", "_session" and "_link", which say who may do what, "_audit" and "_erasure", which say what was done, "_plugin", which says which plugins are on, and "_comment".
func System(ctx context.Context, c core.Compiler) ([]*core.Type, error) {
	names, err := fs.Glob(systemFiles, "system/*.json")
	if err != nil {
		return nil, core.Wrap("schema.System", err)
	}
	var types []*core.Type
	for _, name := range names {
		text, err := fs.ReadFile(systemFiles, name)
		if err != nil {
			return nil, core.Wrap("schema.System", err)
		}
		t, err := c.Compile(ctx, text)
		if err != nil {
			return nil, core.Wrap("schema.System "+name, err)
		}
		types = append(types, t)
	}
	core.SortTypes(types)
	return types, nil
}
