package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// broken words a broken keyword of the standard. params are its figures, for clients that word it themselves.
func (f finding) broken() core.FieldError {
	limit := f.limit()
	params := map[string]any{}
	if limit != nil {
		params[f.keyword] = limit
	}
	text := f.sentence(limit, params)
	if len(params) == 0 {
		params = nil
	}
	return f.problem(text, params)
}

func (f finding) limit() any {
	switch f.keyword {
	case "anyOf", "oneOf", "not", "contains", "propertyNames", "if", "then", "else":
		return nil
	case "minContains":
		if _, ok := f.n.raw["minContains"]; !ok {
			return nil
		}
	}
	return f.n.raw[f.keyword]
}

func (f finding) sentence(limit any, params map[string]any) core.Text {
	label := f.label()
	switch f.keyword {
	case "type":
		return sayType(label, f.n.types())
	case "maxLength":
		actual := f.count(params)
		return labelled(label, "%s est trop long : %d caractères, %v au plus.", "%s is too long: %d characters, at most %v.", actual, limit)
	case "minLength":
		return f.tooShort(label, limit, params)
	case "minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf":
		return f.numeric(label, limit)
	case "minItems", "maxItems", "minProperties", "maxProperties":
		return f.amount(label, limit, params)
	case "enum", "const", "anyOf", "oneOf":
		return f.choice(label, params)
	case "format":
		return f.format(label, fmt.Sprint(limit))
	case "pattern":
		return f.patternText(label)
	case "uniqueItems":
		return labelled(label, "%s contient deux fois la même chose ; retirez le doublon.", "%s holds the same thing twice; take one out.")
	case "contains", "minContains":
		return labelled(label, "%s ne contient pas ce qu’il faut.", "%s does not contain what it must.")
	case "maxContains":
		return labelled(label, "%s contient trop d’éléments de cette sorte : %v au plus.", "%s contains too many items of this kind: at most %v.", limit)
	case "propertyNames":
		_, name := split(f.pointer)
		return say("Le nom « %s » n’est pas admis ici.", "The name “%s” is not allowed here.", short(name))
	case "not":
		return labelled(label, "%s a une valeur qui n’est pas admise.", "%s has a value that is not allowed.")
	default:
		return sayDoesNotFit(label)
	}
}

// labelled makes a sentence in both languages that begins with what the form calls the field.
func labelled(label core.Text, fr, en string, args ...any) core.Text {
	return core.Text{"fr": fmt.Sprintf(fr, append([]any{label.In("fr")}, args...)...), "en": fmt.Sprintf(en, append([]any{label.In("en")}, args...)...)}
}

// count notes how long a text is, and how much of that is too much.
func (f finding) count(params map[string]any) int {
	s, _ := f.value.(string)
	n := utf8.RuneCountInString(s)
	params["actual"] = n
	return n
}

func (f finding) tooShort(label core.Text, limit any, params map[string]any) core.Text {
	actual := f.count(params)
	if actual == 0 {
		return labelled(label, "%s est vide ; remplissez ce champ.", "%s is empty; fill it in.")
	}
	return labelled(label, "%s est trop court : %d caractères, %v au moins.", "%s is too short: %d characters, at least %v.", actual, limit)
}

func (f finding) numeric(label core.Text, limit any) core.Text {
	low, high := f.n.raw["minimum"], f.n.raw["maximum"]
	if low != nil && high != nil && f.keyword != "multipleOf" {
		return labelled(label, "%s doit être un nombre entre %v et %v.", "%s must be a number between %v and %v.", low, high)
	}
	switch f.keyword {
	case "minimum":
		return labelled(label, "%s doit être au moins %v.", "%s must be at least %v.", limit)
	case "maximum":
		return labelled(label, "%s doit être au plus %v.", "%s must be at most %v.", limit)
	case "exclusiveMinimum":
		return labelled(label, "%s doit être plus grand que %v.", "%s must be greater than %v.", limit)
	case "exclusiveMaximum":
		return labelled(label, "%s doit être plus petit que %v.", "%s must be less than %v.", limit)
	default:
		return labelled(label, "%s doit être un multiple de %v.", "%s must be a multiple of %v.", limit)
	}
}

func (f finding) amount(label core.Text, limit any, params map[string]any) core.Text {
	actual := 0
	switch v := f.value.(type) {
	case []any:
		actual = len(v)
	case map[string]any:
		actual = len(v)
	}
	params["actual"] = actual
	if strings.HasPrefix(f.keyword, "min") {
		return labelled(label, "%s a trop peu d’éléments : %d, il en faut au moins %v.", "%s has too few items: %d, at least %v are needed.", actual, limit)
	}
	return labelled(label, "%s a trop d’éléments : %d, %v au plus.", "%s has too many items: %d, at most %v.", actual, limit)
}

// maxListed is how many possible values a sentence lists.
const maxListed = 20

func (f finding) choice(label core.Text, params map[string]any) core.Text {
	allowed := f.allowed()
	if len(allowed) == 0 {
		return sayDoesNotFit(label)
	}
	params["allowed"] = allowed
	delete(params, "enum")
	words := make([]string, 0, len(allowed))
	for _, v := range allowed {
		words = append(words, shown(v))
	}
	if len(words) > maxListed {
		words = append(words[:maxListed], "…")
	}
	text := labelled(label, "%s : « %s » n’est pas une valeur possible ; choisissez parmi %s.", "%s: “%s” is not a possible value; choose one of %s.", shown(f.value), strings.Join(words, ", "))
	if s, ok := f.value.(string); ok {
		return meant(text, s, words)
	}
	return text
}

func (f finding) allowed() []any {
	switch f.keyword {
	case "enum":
		list, _ := f.n.raw["enum"].([]any)
		return list
	case "const":
		return []any{f.n.raw["const"]}
	}
	var list []any
	for _, part := range f.n.list[f.keyword] {
		if v, ok := part.lookup("const"); ok {
			list = append(list, v)
		}
	}
	return list
}

func shown(v any) string {
	if s, ok := v.(string); ok {
		return short(s)
	}
	return short(string(jsondoc.Encode(v)))
}

func (f finding) patternText(label core.Text) core.Text {
	if f.n.pattern != nil && f.n.pattern.re.String() == slugPattern {
		return labelled(label, "%s ne contient que des minuscules sans accent, des chiffres et des tirets, comme « budget-participatif ».", "%s holds only lower-case letters without accents, digits and hyphens, like “participatory-budget”.")
	}
	if examples, _ := f.n.raw["examples"].([]any); len(examples) > 0 {
		return labelled(label, "%s n’a pas la forme attendue, comme « %s ».", "%s does not have the expected form, like “%s”.", shown(examples[0]))
	}
	return labelled(label, "%s n’a pas la forme attendue (%s).", "%s does not have the expected form (%s).", short(fmt.Sprint(f.n.raw["pattern"])))
}

var typeWords = map[string][2]string{
	"string": {"un texte", "a text"}, "integer": {"un nombre entier", "a whole number"}, "number": {"un nombre", "a number"},
	"boolean": {"oui ou non (true ou false)", "true or false"}, "object": {"un objet", "an object"}, "array": {"une liste", "a list"},
	"null": {"vide (null)", "empty (null)"},
}

func sayType(label core.Text, types []string) core.Text {
	var fr, en []string
	for _, t := range types {
		fr, en = append(fr, typeWords[t][0]), append(en, typeWords[t][1])
	}
	return labelled(label, "%s doit être "+strings.Join(fr, " ou ")+".", "%s must be "+strings.Join(en, " or ")+".")
}

var formatWords = map[string][2]string{
	"date":      {"une date, comme 2026-11-22", "a date, like 2026-11-22"},
	"date-time": {"une date et une heure, comme 2026-11-22T09:00:00Z", "a date and time, like 2026-11-22T09:00:00Z"},
	"time":      {"une heure, comme 09:00:00Z", "a time, like 09:00:00Z"},
	"duration":  {"une durée, comme P3Y ou PT90M", "a duration, like P3Y or PT90M"},
	"edtf":      {"une date EDTF, comme 2019, 2019-05 ou 2019~", "an EDTF date, like 2019, 2019-05 or 2019~"},
	"email":     {"une adresse électronique, comme nom@example.org", "an e-mail address, like name@example.org"},
	"uri":       {"une adresse complète, comme https://example.org/page", "a complete address, like https://example.org/page"},
	"url":       {"une adresse web, comme https://example.org/page", "a web address, like https://example.org/page"},
	"uuid":      {"un UUID", "a UUID"},
	"siren":     {"un numéro SIREN valide (9 chiffres)", "a valid SIREN number (9 digits)"},
	"siret":     {"un numéro SIRET valide (14 chiffres)", "a valid SIRET number (14 digits)"},
	"tel":       {"un numéro de téléphone", "a telephone number"},
	"color":     {"une couleur, comme #0a7c5b", "a colour, like #0a7c5b"},
	"hostname":  {"un nom de domaine", "a host name"},
}

func (f finding) format(label core.Text, format string) core.Text {
	if own := f.n.format; own != nil && own.Wants != nil {
		return core.Text{"fr": label.In("fr") + " doit être " + own.Wants.In("fr") + ".", "en": label.In("en") + " must be " + own.Wants.In("en") + "."}
	}
	words, ok := formatWords[format]
	if !ok {
		words = [2]string{"une valeur du format " + format, "a value of the format " + format}
	}
	return labelled(label, "%s doit être "+words[0]+".", "%s must be "+words[1]+".")
}

func sayAtRoot(key string) core.Text {
	return say("%s se met à la racine du schéma, pas sur un champ.", "%s stands at the root of the schema, not on a field.", key)
}

func sayOnField(key string) core.Text {
	return say("%s se met sur un champ, pas à la racine du schéma.", "%s stands on a field, not at the root of the schema.", key)
}

func sayRequired(label core.Text) core.Text {
	return labelled(label, "%s est obligatoire ; remplissez ce champ.", "%s is required; fill it in.")
}

func sayUnexpected(name string, known []string) core.Text {
	return meant(say("Le champ « %s » n’existe pas dans ce type ; retirez-le.", "There is no field “%s” in this type; take it out.", short(name)), name, known)
}

func sayNotAllowed(label core.Text) core.Text {
	return labelled(label, "%s n’est pas admis ici ; retirez-le.", "%s is not allowed here; take it out.")
}

func sayDoesNotFit(label core.Text) core.Text {
	return labelled(label, "%s n’a pas la forme attendue.", "%s does not have the expected form.")
}

func sayPluginFailed(plugin string) core.Text {
	return say("L’extension %s a échoué ; réessayez, ou prévenez un administrateur.", "The plugin %s failed; try again, or tell an administrator.", plugin)
}

func sayTimeUp() core.Text {
	return say("Ce contenu demande trop de travail à vérifier ; raccourcissez ses listes.", "This content takes too much work to check; shorten its lists.")
}
