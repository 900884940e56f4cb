package app

import (
	"context"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// VerifyCatalog compares the catalog with one that is made anew from the log. Its error tells what differs.
func (a *App) VerifyCatalog(ctx context.Context) error {
	found, err := a.catalog.Verify(ctx, a.store.log)
	if err != nil || len(found) == 0 {
		return err
	}
	return core.Errorf(core.CodeInternal, "the catalog is not as the log has it; palabre catalog rebuild makes it anew:\n  %s", strings.Join(found, "\n  "))
}
