package content

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/hook"
	"github.com/palabre-cms/palabre/core/internal/computed"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// decode lays what was sent on the latest document.
func (e *edit) decode(ctx context.Context) (err error) {
	if e.old != nil {
		if e.shown, err = e.shows(ctx); err != nil {
			return err
		}
	}
	if e.op.Op == core.OperationRestore {
		return e.takeRevision(ctx)
	}
	data, err := e.fieldsSent()
	if err != nil {
		return err
	}
	before := e.before
	if before == nil {
		before = map[string]any{}
	}
	if e.translates() {
		err = e.translate(before, data)
	} else {
		e.after = e.laid(before, data)
	}
	if err != nil {
		return err
	}
	if err := e.refuseReadOnly(data); err != nil || len(e.op.Fill) == 0 {
		return err
	}
	e.after = jsondoc.CloneObject(jsondoc.Merge(e.after, e.op.Fill))
	return nil
}

// fieldsSent gives the fields alone: the names that begin with "_" are the system's. The command line may send
// translations whole.
func (e *edit) fieldsSent() (map[string]any, error) {
	data := make(map[string]any, len(e.op.Data))
	var wrong []core.FieldError
	for name, v := range e.op.Data {
		switch {
		case name == core.DocLocale:
			l, _ := v.(string)
			e.op.Locale = core.Locale(l)
		case strings.HasPrefix(name, "_") && !(name == core.DocTranslations && e.who.Kind == "system"):
			wrong = append(wrong, broken(jsondoc.Pointer(name), "reserved", "Names that begin with “_” are the system's: send the fields alone.",
				"Les noms qui commencent par « _ » appartiennent au système : n’envoyez que les champs."))
		default:
			data[name] = v
		}
	}
	if l := e.op.Locale; l != "" && !e.typ.HasLocale(l) && l != e.typ.DefaultLocale() {
		wrong = append(wrong, broken("/"+core.DocLocale, "locale", "The type is not written in %q. Its languages: %s.",
			"Ce type n’existe pas en « %s ». Ses langues : %s.", string(l), localesOf(e.typ)))
	}
	return data, invalid(wrong)
}

func localesOf(t *core.Type) string {
	names := make([]string, len(t.Locales))
	for i, l := range t.Locales {
		names[i] = string(l)
	}
	return strings.Join(names, ", ")
}

func invalid(wrong []core.FieldError) error {
	if len(wrong) == 0 {
		return nil
	}
	slices.SortFunc(wrong, func(a, b core.FieldError) int { return strings.Compare(a.Pointer+a.Keyword, b.Pointer+b.Keyword) })
	return core.Invalid(wrong...)
}

// translates reports whether what was sent is in another language than the entry's own.
func (e *edit) translates() bool {
	return e.before != nil && e.op.Locale != "" && e.op.Locale != e.typ.OwnLocale(e.before)
}

// laid gives the new document in the entry's own language.
func (e *edit) laid(before, data map[string]any) map[string]any {
	if e.op.Op == core.OperationUpdate {
		return jsondoc.CloneObject(jsondoc.Merge(before, data))
	}
	after := jsondoc.CloneObject(jsondoc.Merge(nil, data)) // null means absent
	if e.before != nil {
		e.keepUnsent(after)
		keepMember(after, before, core.DocTranslations)
		keepMember(after, before, core.DocLocale)
	} else if l := e.op.Locale; l != "" && l != e.typ.DefaultLocale() {
		after[core.DocLocale] = string(l)
	}
	return after
}

func keepMember(to, from map[string]any, name string) {
	if v, ok := from[name]; ok && to[name] == nil {
		to[name] = jsondoc.Clone(v)
	}
}

// keepUnsent leaves what a caller who replaces a document could not have sent: secrets, fields that he may not read or
// that nobody may set, and the address of the entry.
func (e *edit) keepUnsent(after map[string]any) {
	for i := range e.typ.Fields {
		f := &e.typ.Fields[i]
		unsendable := f.Secret || fixed(f) || f.Path == e.typ.SlugField || !e.mayRead(f.Path)
		if f.Multi && !fixed(f) || !unsendable {
			continue
		}
		if _, sent := jsondoc.Lookup(after, f.Path); sent {
			continue
		}
		if v, ok := jsondoc.Lookup(e.before, f.Path); ok {
			jsondoc.Set(after, f.Path, jsondoc.Clone(v))
		}
	}
}

// fixed reports whether no caller sets the field.
func fixed(f *core.Field) bool { return f.Computed || f.ReadOnly }

// translate lays the localised fields on the translation and the others on the document.
func (e *edit) translate(before, data map[string]any) error {
	plain, localised := e.split("", data)
	translations, _ := before[core.DocTranslations].(map[string]any)
	overlay, _ := translations[string(e.op.Locale)].(map[string]any)
	if e.op.Op != core.OperationUpdate {
		overlay = e.fixedOf(overlay)
	}
	after := jsondoc.Merge(before, plain)
	if e.op.Op != core.OperationUpdate {
		after = e.replaced(before, plain)
	}
	overlay = jsondoc.Merge(overlay, localised)
	all := jsondoc.Merge(translations, nil)
	if len(overlay) > 0 {
		all[string(e.op.Locale)] = overlay
	} else {
		delete(all, string(e.op.Locale))
	}
	setOrDelete(after, core.DocTranslations, all)
	e.after = jsondoc.CloneObject(after)
	return nil
}

// fixedOf is what of a translation nobody could have sent.
func (e *edit) fixedOf(overlay map[string]any) map[string]any {
	kept := map[string]any{}
	for i := range e.typ.Fields {
		if f := &e.typ.Fields[i]; f.Localized && fixed(f) {
			if v, there := jsondoc.Lookup(overlay, f.Path); there {
				jsondoc.Set(kept, f.Path, v)
			}
		}
	}
	return kept
}

// replaced is a whole document sent in another language: its fields that are not localised replace those of the
// document, whose localised fields stay.
func (e *edit) replaced(before, plain map[string]any) map[string]any {
	after := jsondoc.CloneObject(jsondoc.Merge(nil, plain))
	for i := range e.typ.Fields {
		f := &e.typ.Fields[i]
		if v, ok := jsondoc.Lookup(before, f.Path); ok && f.Localized && !f.Multi {
			jsondoc.Set(after, f.Path, v)
		}
	}
	e.keepUnsent(after)
	keepMember(after, before, core.DocLocale)
	return after
}

func setOrDelete(doc map[string]any, name string, v map[string]any) {
	if len(v) == 0 {
		delete(doc, name)
		return
	}
	doc[name] = v
}

// split parts what was sent into what every language shares and what is said in this one.
func (e *edit) split(prefix string, data map[string]any) (plain, localised map[string]any) {
	plain, localised = map[string]any{}, map[string]any{}
	for name, v := range data {
		path := join(prefix, name)
		f, known := e.typ.Field(path)
		inner, isObject := v.(map[string]any)
		switch {
		case known && f.Localized:
			localised[name] = v
		case known && f.Kind == core.KindObject && !f.Multi && isObject:
			p, l := e.split(path, inner)
			if len(l) > 0 {
				localised[name] = l
			}
			if len(p) > 0 || len(l) == 0 {
				plain[name] = p
			}
		default:
			plain[name] = v
		}
	}
	return plain, localised
}

func join(prefix, name string) string {
	if prefix == "" {
		return name
	}
	return prefix + "." + name
}

// refuseReadOnly refuses values for fields that only Palabre or a plugin fills in. A value that is sent back as it was
// read is no change.
func (e *edit) refuseReadOnly(data map[string]any) error {
	if e.who.Kind == "system" {
		return nil
	}
	var wrong []core.FieldError
	for i := range e.typ.Fields {
		f := &e.typ.Fields[i]
		if !fixed(f) || !sends(data, f.Path) {
			continue
		}
		before, after := e.before, e.after
		if f.Localized && e.translates() {
			before, after = overlayOf(before, e.op.Locale), overlayOf(after, e.op.Locale)
		}
		if !sameValues(jsondoc.Values(before, f.Path), jsondoc.Values(after, f.Path)) {
			wrong = append(wrong, broken(pointerTo(f.Path), "readOnly", "This field is filled in by the system: leave it out.",
				"Ce champ est rempli par le système : ne l’envoyez pas."))
		}
	}
	return invalid(wrong)
}

// overlayOf is the translation of a document into a language.
func overlayOf(doc map[string]any, l core.Locale) map[string]any {
	translations, _ := doc[core.DocTranslations].(map[string]any)
	overlay, _ := translations[string(l)].(map[string]any)
	return overlay
}

// sends reports whether a value was sent for a field. Null is one: it would take the field away.
func sends(data map[string]any, path string) bool {
	if _, there := jsondoc.Lookup(data, path); there {
		return true
	}
	return len(jsondoc.Values(data, path)) > 0
}

func sameValues(a, b []any) bool { return jsondoc.Equal(a, b) }

func pointerTo(path string) string { return jsondoc.Pointer(strings.Split(path, ".")...) }

// complete fills in what the caller may leave out: defaults of a new entry, references given by slug, computed fields, the slug.
func (e *edit) complete(ctx context.Context) error {
	if e.after == nil {
		return nil
	}
	if e.old == nil {
		if err := e.fillDefaults(); err != nil {
			return err
		}
	}
	if err := e.resolveReferences(ctx); err != nil {
		return err
	}
	if err := e.compute(ctx); err != nil {
		return err
	}
	if err := e.fillSlug(ctx); err != nil {
		return err
	}
	return e.compute(ctx)
}

// compute fills the computed fields, unless nothing that they are made from has moved since they were filled last.
func (e *edit) compute(ctx context.Context) error {
	if e.after == nil || len(computed.Fields(e.typ)) == 0 || e.computed != nil && jsondoc.Equal(e.computed, e.after) {
		return nil
	}
	if !computed.Ready(e.typ) && e.c.uncomputed != nil {
		if err := e.c.uncomputed(ctx, e.typ.Name); err != nil {
			return err
		}
	}
	if _, err := computed.Fill(ctx, e.typ, e.id, e.after); err != nil {
		return ofPlugin(err)
	}
	e.computed = jsondoc.CloneObject(e.after)
	return nil
}

// fillDefaults gives a new document the values that its type says; those of a group only where the group is there.
func (e *edit) fillDefaults() error {
	for i := range e.typ.Fields {
		f := &e.typ.Fields[i]
		if f.Default == nil || f.Multi || !hasParent(e.after, f.Path) {
			continue
		}
		if _, there := jsondoc.Lookup(e.after, f.Path); there {
			continue
		}
		v, err := defaultOf(f)
		if err != nil {
			return err
		}
		jsondoc.Set(e.after, f.Path, v)
		e.filled = append(e.filled, f.Path)
	}
	return nil
}

func defaultOf(f *core.Field) (any, error) {
	v, err := jsondoc.Parse(json.RawMessage(f.Default))
	return v, core.Wrap("content.defaultOf", err)
}

func hasParent(doc map[string]any, path string) bool {
	dot := strings.LastIndexByte(path, '.')
	if dot < 0 {
		return true
	}
	parent, _ := jsondoc.Lookup(doc, path[:dot])
	_, isObject := parent.(map[string]any)
	return isObject
}

// validate checks the document that is about to be stored against its type, whatever the hooks did.
func (e *edit) validate(context.Context) error {
	if e.after == nil {
		return nil
	}
	if e.offered != nil && jsondoc.Equal(e.offered.doc, e.after) {
		return invalid(e.asSent(append(e.errors, e.offered.wrong...))) // what the hooks left as it was has been judged
	}
	wrong, err := e.judge(e.after)
	if err != nil {
		return err
	}
	if len(wrong) > 0 && e.offered != nil && len(e.offered.wrong)+len(e.errors) == 0 && !tookTooLong(wrong) {
		return invalidOutput(wrong)
	}
	return invalid(e.asSent(append(e.errors, wrong...)))
}

// judge gives what is wrong with a document. The error is a plugin's that failed at it.
func (e *edit) judge(doc map[string]any) ([]core.FieldError, error) {
	wrong := e.typ.Validator.Validate(doc)
	for i := range wrong {
		if wrong[i].Keyword == core.KeywordPluginFailed {
			plugin, _ := wrong[i].Params["plugin"].(string)
			where, _ := wrong[i].Params["hook"].(string)
			return nil, pluginFailed(&hook.Fault{Plugin: plugin, Hook: where, Err: core.Invalid(wrong...)})
		}
	}
	if plugin := e.madeWrong(wrong); plugin != "" {
		err := invalidOutput(wrong)
		err.Extra = map[string]any{"plugin": plugin}
		return nil, err
	}
	return wrong, nil
}

// madeWrong names the plugin whose function has given a value that does not fit its field, where nothing else is wrong.
func (e *edit) madeWrong(wrong []core.FieldError) (plugin string) {
	for i := range wrong {
		f, known := e.typ.Field(strings.ReplaceAll(strings.TrimPrefix(wrong[i].Pointer, "/"), "/", "."))
		if !known || f.Compute == nil || f.Compute.Ready == nil || wrong[i].Keyword == "required" {
			return ""
		}
		plugin, _, _ = strings.Cut(f.Compute.Name, "/")
	}
	return plugin
}

func invalidOutput(wrong []core.FieldError) *core.Error {
	return &core.Error{Code: core.CodeInternal, Reason: "plugin_invalid_output",
		Message: "A plugin made the content invalid, so nothing was changed. Tell an administrator.", Err: core.Invalid(wrong...),
		Texts: core.Text{"fr": "Une extension a rendu le contenu invalide : rien n’a été modifié. Prévenez un administrateur."}}
}

// tookTooLong reports whether a document was only too much work to judge in the time there is. That is no plugin's doing.
func tookTooLong(wrong []core.FieldError) bool {
	return len(wrong) == 1 && wrong[0].Keyword == core.KeywordBudget
}

// asSent points at the places in a translation as the caller sent them.
func (e *edit) asSent(wrong []core.FieldError) []core.FieldError {
	if e.op.Locale == "" {
		return wrong
	}
	prefix := jsondoc.Pointer(core.DocTranslations, string(e.op.Locale))
	for i := range wrong {
		if rest, ok := strings.CutPrefix(wrong[i].Pointer, prefix+"/"); ok {
			wrong[i].Pointer = "/" + rest
		}
	}
	return wrong
}
