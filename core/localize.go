package core

// The reserved members of a stored document that say what language it is in.
const (
	DocLocale       = "_locale" // the document's own language, when it is not the type's first
	DocTranslations = "_i18n"   // {"en": {"title": "…"}}: by locale, the localised fields in it
)

// OwnLocale is the language that a stored document was written in; "" for a type without locales.
func (t *Type) OwnLocale(doc map[string]any) Locale {
	if own, ok := doc[DocLocale].(string); ok {
		return Locale(own)
	}
	return t.DefaultLocale()
}

// Localize gives a document as readers of a language see it: the first translation along the type's chain is laid
// over it, member by member, so that what is not translated shows in the document's own language. The reserved members
// are taken out. served is the language of the translation, or the document's own. It does not alter doc.
func (t *Type) Localize(doc map[string]any, want Locale) (out map[string]any, served Locale) {
	served = t.OwnLocale(doc)
	out = make(map[string]any, len(doc))
	for key, v := range doc {
		if key != DocLocale && key != DocTranslations {
			out[key] = v
		}
	}
	if want == "" || want == served {
		return out, served
	}
	translations, _ := doc[DocTranslations].(map[string]any)
	for _, l := range t.Chain(want) {
		if l == served {
			break
		}
		if overlay, ok := translations[string(l)].(map[string]any); ok {
			return Overlay(out, overlay), l
		}
	}
	return out, served
}

// Overlay lays a translation over a document: objects member by member, anything else whole. It alters
// neither, and the answer may share values with both.
func Overlay(doc, overlay map[string]any) map[string]any {
	out := make(map[string]any, len(doc)+len(overlay))
	for key, v := range doc {
		out[key] = v
	}
	for key, v := range overlay {
		below, isObject := v.(map[string]any)
		under, wasObject := out[key].(map[string]any)
		if isObject && wasObject {
			v = Overlay(under, below)
		}
		out[key] = v
	}
	return out
}
