package access_test

import (
	"strconv"
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// Actions and types that requests make up, as anybody can, leave nothing in the memory.
func TestScope_forgetsWhatIsMadeUp(t *testing.T) {
	t.Parallel()
	a, _, _ := newAccess()
	fiche, _ := a.Types.Type("fiche")
	for i := range 1000 {
		name := "x" + strconv.Itoa(i)
		for _, who := range []*core.Principal{core.Anonymous, {ID: "user:me", Kind: "user", Roles: []string{"contributor"}}} {
			_, _ = a.Scope(t.Context(), who, fiche, core.Action(name))
			_, _ = a.Scope(t.Context(), who, core.NewType(core.Type{Name: core.TypeName(name)}), core.ActionManage)
		}
	}
	if n := a.Remembered(); n > 100 {
		t.Errorf("%d answers are remembered", n)
	}
}
