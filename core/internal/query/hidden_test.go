package query_test

import (
	"encoding/json"
	"net/url"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/jsondoc"
)

// surfaces are all the ways in which a request can name a field.
func surfaces(name string) map[string]url.Values {
	out := map[string]url.Values{}
	for _, op := range []string{"eq", "ne", "lt", "lte", "gt", "gte", "in", "nin", "contains", "prefix", "exists", "between", "matches", ""} {
		for _, v := range []string{"1", "true", "a,b", "null", ""} {
			out["filter "+op+" "+v] = url.Values{"filter[" + name + "][" + op + "]": {v}}
		}
		for tree, wrap := range map[string]func(any) any{
			"plain": func(v any) any { return v },
			"not":   func(v any) any { return map[string]any{"not": v} },
			"or":    func(v any) any { return map[string]any{"or": []any{map[string]any{"title": "x"}, v}} },
			"and":   func(v any) any { return map[string]any{"and": []any{v, v}} },
		} {
			text, _ := json.Marshal(wrap(map[string]any{name: map[string]any{op: "1"}}))
			out["tree "+tree+" "+op] = url.Values{"filter": {string(text)}}
		}
	}
	for _, v := range []any{"x", nil, []any{}, map[string]any{}} {
		text, _ := json.Marshal(map[string]any{name: v})
		out["tree value "+string(text)] = url.Values{"filter": {string(text)}}
	}
	out["sort"], out["sort desc"] = url.Values{"sort": {name}}, url.Values{"sort": {"title,-" + name}}
	out["fields"], out["fields after include"] = url.Values{"fields": {"title," + name}}, url.Values{"fields": {name}, "include": {"partner"}}
	out["include"], out["include below"] = url.Values{"include": {name}}, url.Values{"include": {"partner," + name + ".friend"}}
	out["facets"], out["geo"] = url.Values{"facets": {name}}, url.Values{"geo": {name}, "bbox": {"1,2,3,4"}}
	out["geo alone"], out["parameter"], out["search and sort"] = url.Values{"geo": {name}}, url.Values{name: {"x"}}, url.Values{"q": {"x"}, "sort": {name}}
	return out
}

// What a caller may not read answers in every parameter, byte for byte, as what was never made.
func TestHiddenIsAbsent(t *testing.T) {
	t.Parallel()
	with, without := world(true), world(false)
	names := []string{
		"note", "secretRank", "inner", "inner.part", "handler", "handler.name", "handler.phone", "pass", "secretSpot",
		"partner.contact", "partner.agent", "partner.agent.name", "partner.head.phone", "partners.contact", "partner.head.friend.phone",
		"$note", "Note", "NOTE", "t1.note", "fiche.note", "note.x", "_note", "nоte", "note\u200b", " note", "note ", "note.", ".note", "partner..contact",
		"partner.papers.title", "related.decision", "note'--", "note\x00", "__proto__", "$where", "_createdBy", "_updatedBy", "_schedule", "_i18n", "partner._createdBy",
	}
	tried := 0
	for _, name := range names {
		for surface, params := range surfaces(name) {
			a, errA := parser(with).Parse(t.Context(), anonymous, with["fiche"], params)
			b, errB := parser(without).Parse(t.Context(), anonymous, without["fiche"], params)
			if got, want := rendered(a, errA), rendered(b, errB); got != want {
				t.Errorf("%q in %s tells that it exists:\n%s\n%s", name, surface, got, want)
			}
			if errA == nil {
				t.Errorf("%q in %s was accepted", name, surface)
			}
			tried++
		}
		for surface, ask := range map[string]func(registry) (*core.Asked, error){
			"one, fields": func(r registry) (*core.Asked, error) {
				return parser(r).ParseOne(t.Context(), anonymous, r["fiche"], url.Values{"fields": {name}})
			},
			"one, include": func(r registry) (*core.Asked, error) {
				return parser(r).ParseOne(t.Context(), anonymous, r["fiche"], url.Values{"include": {name}})
			},
			"body, sort": func(r registry) (*core.Asked, error) {
				return parser(r).ParseBody(t.Context(), anonymous, r["fiche"], map[string]any{"sort": []any{name}})
			},
			"body, filter": func(r registry) (*core.Asked, error) {
				return parser(r).ParseBody(t.Context(), anonymous, r["fiche"], map[string]any{"filter": map[string]any{name: "x"}})
			},
			"body, member": func(r registry) (*core.Asked, error) {
				return parser(r).ParseBody(t.Context(), anonymous, r["fiche"], map[string]any{name: "x"})
			},
			"where": func(r registry) (*core.Asked, error) {
				_, err := parser(r).ParseWhere(t.Context(), anonymous, r["fiche"], map[string]any{name: map[string]any{"exists": true}})
				return nil, err
			},
		} {
			_, errA := ask(with)
			_, errB := ask(without)
			if errA == nil || errB == nil || rendered(nil, errA) != rendered(nil, errB) {
				t.Errorf("%q in %s tells that it exists: %v, %v", name, surface, errA, errB)
			}
		}
	}
	if tried < 3000 {
		t.Errorf("only %d requests were tried", tried)
	}
}

// rendered is what a caller would get to see of a parse.
func rendered(a *core.Asked, err error) string {
	if err == nil {
		return a.Canonical
	}
	e, _ := core.AsError(err)
	return string(jsondoc.Encode(map[string]any{"code": string(e.Code), "reason": e.Reason, "message": e.Message, "extra": e.Extra}))
}

// Staff, who may read them, are not refused: the names above are right ones.
func TestHiddenIsThereForStaff(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"note", "inner.part", "handler.phone", "partner.contact", "partner.agent.name", "related.decision", "_createdBy"} {
		if _, err := parse(t, staff, "filter["+name+"]=1"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := parse(t, staff, "filter[pass]=1")
	wantReason(t, err, "unknown_field", "")
}

// A field given to a role by name is readable though it is private, and what hangs below a denied path is not.
func TestHidden_ReasonsFollowTheScope(t *testing.T) {
	t.Parallel()
	_, err := parse(t, anonymous, "filter[body]=x")
	wantReason(t, err, "not_filterable", "")
	_, err = parse(t, anonymous, "filter[note]=x")
	wantReason(t, err, "unknown_field", "")
}
