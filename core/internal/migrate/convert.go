package migrate

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// The targets of a convert repair beside the kinds of fields.
const (
	toList   = "list"   // a value into a list of it
	toSingle = "single" // a list of one into its value
)

// convertIn converts one member. What cannot be converted stays, and the review tells of it.
func convertIn(in map[string]any, name string, repair *core.Repair) bool {
	v, has := in[name]
	if !has || v == nil {
		return false
	}
	next, ok := converted(v, repair)
	if !ok || jsondoc.Equal(v, next) {
		return false
	}
	in[name] = next
	return true
}

func converted(v any, repair *core.Repair) (any, bool) {
	list, isList := v.([]any)
	switch {
	case repair.To == toList:
		if isList {
			return v, false
		}
		return []any{v}, true
	case repair.To == toSingle:
		return single(list, isList)
	case isList:
		return convertedItems(list, repair)
	}
	if table, ok := repair.Value.(map[string]any); ok {
		if next, has := table[keyOf(v)]; has {
			return jsondoc.Clone(next), true
		}
	}
	return toKind(v, core.Kind(repair.To))
}

func single(list []any, isList bool) (any, bool) {
	if !isList || len(list) != 1 {
		return nil, false
	}
	return list[0], true
}

func convertedItems(list []any, repair *core.Repair) (any, bool) {
	out := make([]any, len(list))
	did := false
	for i, item := range list {
		next, ok := converted(item, repair)
		if !ok {
			next = item
		}
		out[i], did = next, did || ok
	}
	return out, did
}

// keyOf writes a value as the key of a table of values.
func keyOf(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return string(jsondoc.Encode(v))
}

func toKind(v any, kind core.Kind) (any, bool) {
	switch kind {
	case core.KindString:
		return toText(v)
	case core.KindInteger, core.KindNumber:
		return toNumber(v, kind)
	case core.KindBoolean:
		return toBoolean(v)
	case core.KindDate:
		return toDate(v)
	case core.KindTime:
		return toTime(v)
	case core.KindRichText:
		return toRichText(v)
	}
	return nil, false
}

func toText(v any) (any, bool) {
	switch v := v.(type) {
	case json.Number:
		return string(v), true
	case bool:
		return strconv.FormatBool(v), true
	case map[string]any:
		if v["type"] == "doc" {
			return plainText(v), true
		}
	}
	return nil, false
}

// toNumber reads numbers as people write them: blanks between thousands, a comma before decimals.
func toNumber(v any, kind core.Kind) (any, bool) {
	text := ""
	switch v := v.(type) {
	case json.Number:
		text = string(v)
	case string:
		text = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", ",", ".").Replace(strings.TrimSpace(v))
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || len(text) > 40 || strings.ContainsAny(text, "xXpPnNiI_") {
		return nil, false
	}
	whole := f == float64(int64(f)) && f < 1e15 && f > -1e15
	if whole {
		return json.Number(strconv.FormatInt(int64(f), 10)), true
	}
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), kind == core.KindNumber
}

func toBoolean(v any) (any, bool) {
	text := strings.ToLower(keyOf(v))
	switch text {
	case "true", "1", "oui", "yes", "vrai":
		return true, true
	case "false", "0", "non", "no", "faux":
		return false, true
	}
	return nil, false
}

func toDate(v any) (any, bool) {
	s, _ := v.(string)
	switch {
	case len(s) > 10 && s[10] == 'T':
		return s[:10], true
	case len(s) == 10 && s[2] == '/' && s[5] == '/': // as the French write it
		return s[6:] + "-" + s[3:5] + "-" + s[:2], true
	}
	return nil, false
}

func toTime(v any) (any, bool) {
	if s, _ := v.(string); len(s) == 10 && s[4] == '-' {
		return s + "T00:00:00Z", true
	}
	return nil, false
}

// toRichText makes paragraphs of a text's parts between empty lines.
func toRichText(v any) (any, bool) {
	s, ok := v.(string)
	if !ok {
		return nil, false
	}
	blocks := []any{}
	for part := range strings.SplitSeq(strings.ReplaceAll(s, "\r\n", "\n"), "\n\n") {
		if part = strings.TrimSpace(part); part != "" {
			blocks = append(blocks, map[string]any{"type": "paragraph", "content": []any{map[string]any{"type": "text", "text": part}}})
		}
	}
	return map[string]any{"type": "doc", "v": json.Number("1"), "content": blocks}, true
}

// plainText gives the words of a rich text, its blocks apart by empty lines.
func plainText(doc map[string]any) string {
	content, _ := doc["content"].([]any)
	var parts []string
	for _, block := range content {
		var b strings.Builder
		appendWords(&b, block)
		if b.Len() > 0 {
			parts = append(parts, b.String())
		}
	}
	return strings.Join(parts, "\n\n")
}

func appendWords(b *strings.Builder, node any) {
	m, _ := node.(map[string]any)
	if s, ok := m["text"].(string); ok {
		b.WriteString(s)
	}
	if m["type"] == "hardBreak" {
		b.WriteByte('\n')
	}
	content, _ := m["content"].([]any)
	for _, item := range content {
		appendWords(b, item)
	}
}
