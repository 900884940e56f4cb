package account

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/email"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// judgeUser is judge for accounts.
func (v *verdict) judgeUser(ctx context.Context, op core.Operation) (core.Operation, error) {
	if !v.system() {
		if err := v.permit(ctx, &op); err != nil {
			return op, err
		}
	}
	if op.Op == core.OperationRestore && op.Rev > 0 {
		return op, v.refusal(ctx, op, core.Refuse(core.CodeConflict, "account", "An account does not go back to an earlier revision, whose password and rights it would get back. Change its fields instead.",
			"Un compte ne revient pas à une révision antérieure, dont il retrouverait le mot de passe et les droits. Modifiez plutôt ses champs."))
	}
	op.Data = normalised(op.Data)
	op, err := v.resolve(ctx, op)
	if err != nil || op.Op == core.OperationUpsert {
		return op, err
	}
	if op.Op == core.OperationCreate {
		return v.judgeNew(ctx, op)
	}
	return v.judgeChange(ctx, op)
}

// normalised gives what was sent with the e-mail address in its one spelling.
func normalised(data map[string]any) map[string]any {
	address, ok := data["email"].(string)
	if !ok {
		return data
	}
	out := jsondoc.Merge(data, nil)
	out["email"] = email.Normal(address)
	return out
}

// resolve makes an update or a creation of an upsert. One that matches by something else is left to be refused.
func (v *verdict) resolve(ctx context.Context, op core.Operation) (core.Operation, error) {
	if op.Op != core.OperationUpsert {
		return op, nil
	}
	address, isText := op.Data["email"].(string)
	switch {
	case op.Match == "email" && isText && address != "":
		u, err := v.s.userBy(ctx, address)
		if err != nil {
			return op, err
		}
		return v.found(op, u), nil
	case op.Match == "_id":
		u, err := v.s.user(ctx, op.ID)
		return v.found(op, u), err
	}
	return hidden(op), nil // refused by the write path
}

func (v *verdict) found(op core.Operation, u *record) core.Operation {
	op.Op, op.Match = core.OperationCreate, ""
	if u != nil {
		op.Op, op.ID = core.OperationUpdate, u.id
		v.pin(&op, u)
	}
	return op
}

// pin makes an operation hold for the account as it was judged only.
func (v *verdict) pin(op *core.Operation, u *record) {
	if op.IfMatch == 0 {
		op.IfMatch, v.pinned = u.rev, true
	}
}

// judgeNew is judge for an account that is to be made.
func (v *verdict) judgeNew(ctx context.Context, op core.Operation) (core.Operation, error) {
	next := recordOf(op.Data)
	if !v.mayGive(nil, next.roles) {
		return op, v.refusal(ctx, hidden(op), errAboveOwn())
	}
	return v.withPassword(ctx, op, next.email)
}

// judgeChange is judge for an account that is there.
func (v *verdict) judgeChange(ctx context.Context, op core.Operation) (core.Operation, error) {
	was, doc, err := v.s.stored(ctx, op.ID)
	if err != nil {
		return op, err
	}
	if was == nil || was.trashed && !reachesTrash(&op) {
		return hidden(op), nil // refused by the write path
	}
	if _, twice := v.after[op.ID]; twice {
		return op, core.Refuse(core.CodeBadRequest, "", "One request changes an account once. Send the changes together.", "Une requête modifie un compte une seule fois. Envoyez les modifications ensemble.")
	}
	if !v.system() && op.IfMatch != 0 && op.IfMatch != was.rev {
		return op, v.refusal(ctx, hidden(op), errForeseen())
	}
	is := v.outcome(&op, was, doc)
	v.after[op.ID] = is
	if !v.system() && !mayHandle(v.who, was) || is != nil && !v.mayGive(was.roles, is.roles) {
		return op, v.refusal(ctx, hidden(op), errAboveOwn())
	}
	now := v.s.now()
	if was.commands(now) && (is == nil || !is.commands(now)) {
		v.takesAdministrator = true
	}
	if op.IfMatch == 0 && (v.system() || !v.options.RequireMatch) {
		v.pin(&op, was)
	}
	if is == nil || op.Op != core.OperationUpdate && op.Op != core.OperationReplace {
		return op, nil
	}
	return v.change(ctx, op, was, is)
}

// judgeErased is judge for an account whose person is erased: it is suspended by that, which must leave an administrator.
func (v *verdict) judgeErased(ctx context.Context, op *core.Operation) error {
	was, _, err := v.s.stored(ctx, op.ID)
	if err != nil || was == nil {
		return err
	}
	latest := (&core.Entry{Draft: op.Migrate.Draft, Published: op.Migrate.Published}).Latest()
	doc, err := jsondoc.ParseObject(latest)
	if err != nil {
		return core.Wrap("account.judgeErased", err)
	}
	is := recordOf(doc)
	is.id, is.rev, is.trashed = was.id, was.rev, was.trashed
	v.after[op.ID] = is
	now := v.s.now()
	v.takesAdministrator = v.takesAdministrator || was.commands(now) && !is.commands(now)
	return nil
}

func reachesTrash(op *core.Operation) bool {
	return op.Op == core.OperationPurge || op.Op == core.OperationRestore || op.Op == core.OperationTransition
}

// hidden is an operation that will be refused, without the password that was sent with it.
func hidden(op core.Operation) core.Operation {
	if _, sent := op.Data["password"]; sent {
		op.Data = jsondoc.Merge(op.Data, nil)
		delete(op.Data, "password")
	}
	return op
}

// outcome is what the account will be; nil when it goes.
func (v *verdict) outcome(op *core.Operation, was *record, doc map[string]any) *record {
	is := *was
	switch op.Op {
	case core.OperationDelete, core.OperationPurge:
		return nil
	case core.OperationUpdate, core.OperationReplace:
		is = *recordOf(merged(op, doc))
	}
	is.id, is.rev, is.trashed = was.id, was.rev, false
	return &is
}

// change hashes the password and fills in what follows from a change.
func (v *verdict) change(ctx context.Context, op core.Operation, was, is *record) (core.Operation, error) {
	op, err := v.withPassword(ctx, op, is.email)
	if err != nil {
		return op, err
	}
	_, password := op.Data["password"]
	if password && v.resets(was.id) {
		v.reset[was.id] = true
	}
	fill := map[string]any{}
	if v.who.Kind == "user" && v.who.Entry() == was.id && was.totp != "" && v.dropsFactor(&op) {
		return op, errOwnFactor()
	}
	if v.dropsFactor(&op) {
		fill["totp"] = nil
		password = true // it ends the sessions as another password does
	}
	if password && op.Op == core.OperationReplace && op.Data["password"] == nil {
		fill["password"] = nil
	}
	if now := v.s.now(); password || v.endsSessions(was, is, now) {
		fill["epoch"] = number(was.epoch + 1)
	}
	if was.handedOver && !is.ended(v.s.now()) {
		fill["handedOver"] = nil
	}
	if len(fill) > 0 {
		maps.Copy(fill, op.Fill)
		op.Fill = fill
	}
	return op, nil
}

// dropsFactor takes the wish to turn a second factor off out of an operation: administrators may, for those who have
// lost theirs. Anything else that is sent for it is left to be refused.
func (v *verdict) dropsFactor(op *core.Operation) bool {
	value, sent := op.Data["totp"]
	if !sent || value != nil || op.Op != core.OperationUpdate || !v.system() && !slices.Contains(v.who.Roles, administrator) {
		return false
	}
	op.Data = jsondoc.Merge(op.Data, nil)
	delete(op.Data, "totp")
	return true
}

// endsSessions reports whether a change is one after which nobody stays signed in.
func (v *verdict) endsSessions(was, is *record, now time.Time) bool {
	return was.email != is.email || was.suspended != is.suspended || !sameRoles(was.roles, is.roles) || is.ended(now) && !was.endsAt.Equal(is.endsAt)
}

func sameRoles(a, b []string) bool { return within(a, b) && within(b, a) }

func within(roles, of []string) bool {
	for _, r := range roles {
		if !slices.Contains(of, r) {
			return false
		}
	}
	return true
}

// withPassword puts a hash in the place of a password. Whatever was sent is a password, however it looks.
func (v *verdict) withPassword(ctx context.Context, op core.Operation, address string) (core.Operation, error) {
	password, sent := op.Data["password"].(string)
	if !sent {
		return op, nil
	}
	if err := checkPassword(password, address); err != nil {
		return op, err
	}
	hash, err := v.s.Hash(ctx, password)
	if err != nil {
		return op, err
	}
	op.Data = jsondoc.Merge(op.Data, nil)
	op.Data["password"] = hash
	return op, nil
}

// mayGive reports whether the caller may give the roles that come to those that were there.
func (v *verdict) mayGive(was, is []string) bool {
	if v.system() || slices.Contains(v.who.Roles, administrator) {
		return true
	}
	for _, role := range is {
		if !slices.Contains(was, role) && !slices.Contains(v.who.Roles, role) {
			return false
		}
	}
	return true
}

// mayHandle reports whether somebody is no less than an account, and so may change it.
func mayHandle(who *core.Principal, u *record) bool {
	return who.Kind == core.System.Kind || slices.Contains(who.Roles, administrator) || within(u.roles, who.Roles)
}

// foreseen is the Reason of a change of a revision that was not there yet when it was judged.
const foreseen = "foreseen"

func errForeseen() error {
	return core.Refuse(core.CodeStale, foreseen, "Somebody else is changing this account. Read it again.", "Quelqu’un d’autre modifie ce compte. Relisez-le.")
}

func errAboveOwn() error {
	return core.Refuse(core.CodeForbidden, "roles", "You can give the roles that you have yourself, and change accounts that have no others.",
		"Vous pouvez donner les rôles que vous avez vous-même, et modifier les comptes qui n’en ont pas d’autres.")
}

// judgeToken is judge for API tokens: one acts in a role that its maker has.
func (v *verdict) judgeToken(ctx context.Context, op core.Operation) error {
	if v.system() || slices.Contains(v.who.Roles, administrator) {
		return nil
	}
	role, _ := op.Data["role"].(string)
	if role != "" && !slices.Contains(v.who.Roles, role) {
		return v.refuseToken(ctx, op)
	}
	owner := refOf(op.Data["user"])
	if op.Op == core.OperationUpsert || owner != "" && owner != v.who.Entry() {
		return v.refuseToken(ctx, op)
	}
	if op.Op == core.OperationCreate {
		return nil
	}
	e, err := v.s.c.Catalog.Entry(ctx, tokenType, op.ID)
	if err != nil {
		return nil // refused by the write path
	}
	doc, err := jsondoc.ParseObject(e.Latest())
	if err != nil {
		return core.Wrap("account.judgeToken", err)
	}
	if role, _ := doc["role"].(string); !slices.Contains(v.who.Roles, role) {
		return v.refuseToken(ctx, op)
	}
	return nil
}

func (v *verdict) refuseToken(ctx context.Context, op core.Operation) error {
	if err := v.permit(ctx, &op); err != nil {
		return err
	}
	return core.Refuse(core.CodeForbidden, "roles", "You can make and change tokens of your own, in a role that you have yourself.",
		"Vous pouvez créer et modifier vos propres jetons, dans un rôle que vous avez vous-même.")
}
