package schema_test

import (
	"context"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/schema"
)

func TestSystem_TypesCompileAndHaveNoSlugs(t *testing.T) {
	t.Parallel()
	types, err := schema.System(context.Background(), &schema.Compiler{})
	if err != nil {
		t.Fatal(err)
	}
	for _, typ := range types {
		if !typ.Name.System() || typ.SlugField != "" || typ.Public {
			t.Errorf("%s: %+v", typ.Name, typ)
		}
	}
	if len(types) != 2 {
		t.Errorf("got %d types, want _token and _type", len(types))
	}
}
