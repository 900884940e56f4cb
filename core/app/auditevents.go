package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/spelling"
)

// The events that any trail may have: those that are no writes, and the actions of writes.
var (
	auditEvents = []string{core.AuditSignIn, core.AuditSignInFailed, core.AuditSignOut, core.AuditExport, core.AuditBackup, core.AuditErasure,
		core.AuditSweep, core.AuditSubject}
	auditActions = []string{string(core.ActionCreate), string(core.ActionUpdate), string(core.ActionDelete), string(core.ActionRestore),
		string(core.ActionPurge), string(core.ActionSubmit), string(core.ActionApprove), "reject", string(core.ActionPublish), string(core.ActionUnpublish),
		string(core.ActionSchedule), core.Unschedule, string(core.ActionErase), string(core.ActionRedact), string(core.ActionReassign),
		string(core.ActionMigrate), string(core.ActionDetach)}
)

// CheckEvent refuses an event that is neither one of the core's nor in the trail: a typing error would else look like
// nothing having happened. A workflow's own transitions and plugins' events are known once there has been one.
func CheckEvent(ctx context.Context, trail AuditTrail, event string) error {
	known := slices.Concat(auditEvents, auditActions)
	if event == "" || slices.Contains(known, event) {
		return nil
	}
	page, err := trail.FindAudit(ctx, core.AuditQuery{Event: event, Limit: 1})
	if err != nil || len(page.Data) > 0 {
		return err
	}
	meant := ""
	if nearest := spelling.Nearest(event, known); nearest != "" {
		meant = fmt.Sprintf(" Did you mean %s?", nearest)
	}
	return core.Errorf(core.CodeInvalid, "There is no event %q in the trail.%s The events are %s; the actions of writes %s, and a workflow's own transitions.",
		event, meant, strings.Join(auditEvents, ", "), strings.Join(auditActions, ", "))
}
