package access

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/spelling"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// CheckRole refuses permissions whose condition no type understands. One that stood in the role before is not looked at
// again: its type may have changed since.
func (a *Access) CheckRole(ctx context.Context, before, after map[string]any) error {
	stood, _ := before["permissions"].([]any)
	var wrong []core.FieldError
	for at, p := range permissionsOf(after) {
		if slices.ContainsFunc(stood, func(old any) bool { return jsondoc.Equal(old, p) }) {
			continue
		}
		where, _ := p["where"].(map[string]any)
		name, _ := p["type"].(string)
		if len(where) == 0 || name == "" {
			continue
		}
		if err := a.checkWhere(ctx, a.named(name), where); err != nil {
			wrong = append(wrong, noCondition(at, err))
		}
	}
	if len(wrong) > 0 {
		return core.Invalid(wrong...)
	}
	return nil
}

func noCondition(at string, err error) core.FieldError {
	return core.FieldError{Pointer: at + "/where", Keyword: "where", Message: message(err), Texts: textsOf(err)}
}

// warnings are what a role names and there is not: types, actions, fields. It is no error, for it may come, or be gone; but a
// typing error in a right gives nothing, or, in what is to be taken away, takes nothing, and nobody notices. Conditions that
// saving would refuse come with them.
func (a *Access) warnings(ctx context.Context, role map[string]any) []core.FieldError {
	all := []core.FieldError{}
	for at, p := range permissionsOf(role) {
		name, _ := p["type"].(string)
		types := a.named(name)
		if len(types) == 0 && name != anyType && name != publicType {
			all = append(all, noSuch(at+"/type", "type", name, a.typeNames()))
			continue
		}
		all = append(all, unknownActions(at+"/actions", p["actions"], types)...)
		fields, _ := p["fields"].(map[string]any)
		for _, list := range []string{"read", "write"} {
			all = append(all, unknownFields(at+"/fields/"+list, fields[list], types)...)
		}
		if where, _ := p["where"].(map[string]any); len(where) > 0 {
			if err := a.checkWhere(ctx, types, where); err != nil {
				all = append(all, noCondition(at, err))
			}
		}
	}
	return all
}

// permissionsOf gives the permissions of a role as it is sent, each with its pointer.
func permissionsOf(role map[string]any) iter.Seq2[string, map[string]any] {
	return func(yield func(string, map[string]any) bool) {
		list, _ := role["permissions"].([]any)
		for i, item := range list {
			if p, ok := item.(map[string]any); ok && !yield("/permissions/"+strconv.Itoa(i), p) {
				return
			}
		}
	}
}

// named are the types that a permission for this type is for.
func (a *Access) named(pattern string) []*core.Type {
	return slices.DeleteFunc(slices.Clone(a.Types.Types()), func(t *core.Type) bool { return !names(pattern, t) })
}

// CheckRoleNames looks for roles that there are not among those that somebody is given, and were not his before. at is where
// they stand, with a place for each in the list.
func (a *Access) CheckRoleNames(ctx context.Context, at func(i int) string, before, after []string) error {
	pol, err := a.policy(ctx)
	if err != nil {
		return err
	}
	var wrong []core.FieldError
	for i, name := range after {
		if pol.roles[name] == nil && !slices.Contains(before, name) {
			wrong = append(wrong, noSuch(at(i), "role", name, slices.Collect(maps.Keys(pol.roles))))
		}
	}
	if len(wrong) > 0 {
		return core.Invalid(wrong...)
	}
	return nil
}

// grantable are the actions of the core that a permission may name. The others are things that the system does.
var grantable = []core.Action{core.ActionList, core.ActionRead, core.ActionCreate, core.ActionUpdate, core.ActionDelete, core.ActionPurge, core.ActionRestore,
	core.ActionSubmit, core.ActionApprove, "reject", core.ActionPublish, core.ActionUnpublish, core.ActionSchedule, core.ActionExport, core.ActionHistory,
	core.ActionManage, core.ActionComment, seeDrafts, anyAction}

func unknownActions(at string, list any, types []*core.Type) []core.FieldError {
	known := make([]string, 0, len(grantable))
	for _, action := range grantable {
		known = append(known, string(action))
	}
	for _, t := range types {
		for _, transition := range t.Workflow.Transitions {
			known = append(known, transition.Name)
		}
	}
	return eachUnknown(list, func(i int, action string) (core.FieldError, bool) {
		return noSuch(at+"/"+strconv.Itoa(i), "action", action, known), slices.Contains(known, action)
	})
}

func unknownFields(at string, list any, types []*core.Type) []core.FieldError {
	return eachUnknown(list, func(i int, item string) (core.FieldError, bool) {
		path := strings.TrimPrefix(item, "-")
		l := readList([]string{item})
		if l.star || len(l.classes) > 0 || slices.ContainsFunc(types, func(t *core.Type) bool { _, ok := t.Field(path); return ok }) {
			return core.FieldError{}, true
		}
		var known []string
		for _, t := range types {
			for f := range t.Fields {
				known = append(known, t.Fields[f].Path)
			}
		}
		return noSuch(at+"/"+strconv.Itoa(i), "field", path, known), false
	})
}

func eachUnknown(list any, check func(i int, item string) (core.FieldError, bool)) []core.FieldError {
	items, _ := list.([]any)
	var wrong []core.FieldError
	for i, item := range items {
		name, ok := item.(string)
		if !ok {
			continue // the schema says so
		}
		if problem, known := check(i, name); !known {
			wrong = append(wrong, problem)
		}
	}
	return wrong
}

// noSuch says that a name is not there, and which was probably meant.
func noSuch(at, what, name string, known []string) core.FieldError {
	en := "There is no " + what + " “" + name + "”."
	fr := map[string]string{"type": "Aucun type", "role": "Aucun rôle", "action": "Aucune action", "field": "Aucun champ"}[what] + " « " + name + " »."
	if near := spelling.Nearest(name, known); near != "" {
		en += " Did you mean “" + near + "”?"
		fr += " Vouliez-vous dire « " + near + " » ?"
	}
	return core.FieldError{Pointer: at, Keyword: what, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}

func (a *Access) typeNames() []string {
	var all []string
	for _, t := range a.Types.Types() {
		all = append(all, string(t.Name))
	}
	return all
}

// checkWhere tries a condition on the types that it is for: one must understand it.
func (a *Access) checkWhere(ctx context.Context, types []*core.Type, where map[string]any) error {
	stand := &core.Principal{ID: "user:me", Kind: "user", About: map[string][]any{}}
	if t, ok := a.Types.Type(UserType); ok {
		for i := range t.Fields {
			stand.About[t.Fields[i].Path] = []any{"me"}
		}
	}
	var last error
	for _, t := range types {
		f, applies := fill(where, t, stand, a.Now)
		if !applies {
			return core.Refuse(core.CodeInvalid, "", "A text that begins with $ is $me, $me.field of an account, or $now; write $$ for a plain $.", "Un texte qui commence par $ est $me, $me.champ d’un compte, ou $now ; écrivez $$ pour un $ simple.")
		}
		if _, last = a.Where(ctx, t, f.tree); last == nil {
			return nil
		}
	}
	return last
}

func message(err error) string {
	if e, ok := core.AsError(err); ok {
		return e.Message
	}
	return "This condition cannot be read."
}

func textsOf(err error) core.Text {
	if e, ok := core.AsError(err); ok {
		return e.Texts
	}
	return nil
}
