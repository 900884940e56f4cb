package schema_test

import (
	"context"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core/internal/schema"
)

func TestSystem_TypesCompileAndHaveNoSlugs(t *testing.T) {
	t.Parallel()
	types, err := schema.System(context.Background(), &schema.Compiler{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, typ := range types {
		names = append(names, string(typ.Name))
		if !typ.Name.System() || typ.SlugField != "" || typ.Public {
			t.Errorf("%s: %+v", typ.Name, typ)
		}
	}
	const want = "_audit _comment _erasure _link _plugin _role _session _token _type _user"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
