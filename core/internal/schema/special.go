package schema

import (
	"encoding/json"
	"math"
	"slices"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// special checks what no JSON Schema states: the shape of references, media, geometries and rich texts, and what plugins'
// annotations ask for. v is never nil.
func (n *node) special(v any, pointer string) problems {
	found := n.shape(v, pointer)
	for i := range n.uses {
		if wrong := n.uses[i].check(v); len(wrong) > 0 {
			found.add(pointer, n.uses[i].Name, wrong)
		}
	}
	return found
}

func (n *node) shape(v any, pointer string) problems {
	switch {
	case n.ann.ref != nil:
		return checkRef(n.ann.ref, v, pointer)
	case n.ann.media != nil:
		return checkMedia(v, pointer, n.ann.altRequired)
	case n.ann.geo != "":
		return checkGeometry(n.ann.geo, n.ann.maxVertices, v, pointer)
	case n.ann.rich != nil:
		return n.ann.rich.check(v, pointer)
	case n.ann.territory != "":
		return checkTerritory(n.ann.territory, v, pointer)
	}
	return nil
}

// isSpecial reports whether special has something to say about a subschema.
func (n *node) isSpecial() bool {
	a := &n.ann
	return a.ref != nil || a.media != nil || a.geo != "" || a.rich != nil || a.territory != "" || slices.ContainsFunc(n.uses, annotationUse.checks)
}

// checkRef wants {"_ref": id, "_type": type}. A slug in place of the identifier was resolved before.
func checkRef(rule *core.RefRule, v any, pointer string) (found problems) {
	m, ok := v.(map[string]any)
	id, named := m["_ref"].(string)
	if !ok || !named {
		found.add(pointer, "x-ref", say(`Une référence s’écrit {"_ref": "…", "_type": "%s"}.`, `A reference is written {"_ref": "…", "_type": "%s"}.`, rule.Types[0]))
		return found
	}
	if !core.ValidID(id) {
		found.add(pointer+"/_ref", "x-ref", say("« %s » n’est pas un identifiant.", "“%s” is no identifier.", short(id)))
	}
	found = append(found, checkRefType(rule, m["_type"], pointer+"/_type")...)
	return append(found, onlyMembers(m, pointer, "x-ref", "_ref", "_type", "_key")...)
}

func checkRefType(rule *core.RefRule, v any, pointer string) (found problems) {
	name, ok := v.(string)
	if ok && slices.Contains(rule.Types, core.TypeName(name)) {
		return nil
	}
	found.add(pointer, "x-ref", say("« _type » dit de quel type est l’entrée ; ce champ admet : %s.", "“_type” says what type the entry has; this field takes: %s.", joinNames(rule.Types)))
	return found
}

func joinNames(types []core.TypeName) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = string(t)
	}
	return strings.Join(words, ", ")
}

func onlyMembers(m map[string]any, pointer, keyword string, known ...string) (found problems) {
	for _, name := range sortedKeys(m) {
		if !slices.Contains(known, name) {
			found.add(pointer+jsondoc.Pointer(name), keyword, say("« %s » n’a pas sa place ici ; retirez-le.", "“%s” has no place here; take it out.", short(name)))
		}
	}
	return found
}

// checkMedia wants {"_media": id, "alt": …, "focal": {"x", "y"}}.
func checkMedia(v any, pointer string, altRequired bool) (found problems) {
	m, ok := v.(map[string]any)
	id, named := m["_media"].(string)
	if !ok || !named {
		found.add(pointer, "x-media", say(`Un média s’écrit {"_media": "…", "alt": "…"}.`, `A medium is written {"_media": "…", "alt": "…"}.`))
		return found
	}
	if !core.ValidID(id) {
		found.add(pointer+"/_media", "x-media", say("« %s » n’est pas un identifiant.", "“%s” is no identifier.", short(id)))
	}
	for _, name := range []string{"alt", "caption", "credit", "licence"} {
		if text, has := m[name]; has && text != nil && !isShort(text) {
			found.add(pointer+"/"+name, "x-media", say("« %s » est un texte de 4 000 caractères au plus.", "“%s” is a text of at most 4,000 characters.", name))
		}
	}
	if alt, _ := m["alt"].(string); altRequired && strings.TrimSpace(alt) == "" && m["decorative"] != true {
		found.add(pointer+"/alt", "x-media", say("Décrivez l’image pour ceux qui ne la voient pas (alt).", "Describe the image for those who do not see it (alt)."))
	}
	found = append(found, checkFocal(m["focal"], pointer+"/focal")...)
	return append(found, onlyMembers(m, pointer, "x-media", "_media", "_key", "alt", "caption", "credit", "licence", "decorative", "focal", "crop")...)
}

func checkFocal(v any, pointer string) (found problems) {
	if v == nil {
		return nil
	}
	m, _ := v.(map[string]any)
	x, okX := finite(m["x"])
	y, okY := finite(m["y"])
	if !okX || !okY || x < 0 || x > 1 || y < 0 || y > 1 || len(m) != 2 {
		found.add(pointer, "x-media", say(`Le point focal s’écrit {"x": 0.5, "y": 0.5}, de 0 à 1.`, `The focal point is written {"x": 0.5, "y": 0.5}, from 0 to 1.`))
	}
	return found
}

func checkTerritory(level string, v any, pointer string) (found problems) {
	code, ok := v.(string)
	valid := formats["territory"]
	if level != "any" {
		valid = formats[level]
	}
	if !ok || !valid(code) {
		found.add(pointer, "x-territory", say("« %s » n’est pas un code de territoire (%s) : un texte, zéros de tête compris.", "“%s” is no territory code (%s): a text, with its leading zeros.", short(code), level))
	}
	return found
}

// short cuts a stranger's text to what fits into a sentence.
func short(s string) string {
	runes := []rune(s)
	if len(runes) <= 40 {
		return s
	}
	return string(runes[:39]) + "…"
}

func finite(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil && !math.IsInf(f, 0) && !math.IsNaN(f)
}
