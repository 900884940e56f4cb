package shipped

import (
	"context"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/schema"
	"github.com/palabre-cms/palabre/schemas"
)

func compiled(t *testing.T) map[core.TypeName]*core.Type {
	t.Helper()
	all, err := schemas.All()
	if err != nil {
		t.Fatal(err)
	}
	types := map[core.TypeName]*core.Type{}
	for name, text := range all {
		compiler := schema.Compiler{}
		made, err := compiler.Compile(context.Background(), text)
		if err != nil {
			e, _ := core.AsError(err)
			t.Fatalf("%s: %v %+v", name, err, e)
		}
		if string(made.Name) != name {
			t.Errorf("%s.json defines %s", name, made.Name)
		}
		types[made.Name] = made
	}
	return types
}

func TestCompile(t *testing.T) {
	types := compiled(t)
	for name, x := range types { t.Log(name, len(x.Fields)) }
}
