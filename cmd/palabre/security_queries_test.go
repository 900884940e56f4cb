package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// The types of these attacks: a case with every kind of field, and, in the world that has secrets, a hidden
// one of every kind beside it. The other world is that in which the secrets were never thought of.
const (
	caseHead = `{"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Case", "type": "object", "required": ["title"], "unevaluatedProperties": false,
  "x-type": {"name": "case", "plural": "cases", "label": {"fr": "Cas", "en": "Case"}, "titleField": "title", "slug": {"field": "slug", "from": "title"}, "public": true,
    "locales": ["fr", "en"], "geo": "place", "order": "-count"},
  "properties": {
    "title": {"type": "string", "minLength": 1, "x-search": 4, "x-localized": true}, "slug": {"type": "string", "x-unique": true},
    "kind": {"enum": ["a", "b"], "x-facet": true}, "count": {"type": "integer"}, "score": {"type": "number"}, "open": {"type": "boolean"},
    "day": {"type": "string", "format": "date"}, "at": {"type": "string", "format": "date-time"}, "tags": {"type": "array", "items": {"type": "string"}, "x-facet": true},
    "place": {"x-geo": "point"}, "commune": {"type": "string", "x-territory": "commune"},
    "author": {"x-ref": {"types": ["writer"], "inverse": "cases"}}, "next": {"x-ref": {"types": ["case"]}}, "link": {"x-ref": {"types": ["writer"/*hidden*/]}},
    "group": {"type": "object", "properties": {"name": {"type": "string"}`
	caseHidden = `, "salary": {"type": "integer", "x-private": true}}, "unevaluatedProperties": false},
    "agent": {"type": "string", "x-private": true, "x-search": 8, "x-facet": true, "x-unique": true}, "rank": {"type": "integer", "x-private": true},
    "inner": {"type": "object", "x-private": true, "properties": {"part": {"type": "string", "x-search": 2}}},
    "pass": {"type": "string", "x-secret": true}, "grade": {"type": "string", "x-roles": {"read": ["editor"]}, "x-facet": true},
    "spot": {"x-geo": "point", "x-private": true}, "zone": {"type": "string", "x-territory": "commune", "x-private": true},
    "handler": {"x-ref": {"types": ["writer"]}, "x-private": true}, "folder": {"x-ref": {"types": ["dossier"]}, "x-private": true}`
	caseTail      = `, "unevaluatedProperties": false}`
	caseEnd       = `}}`
	writerHead    = `{"title": "Writer", "type": "object", "required": ["name"], "unevaluatedProperties": false, "x-type": {"name": "writer", "plural": "writers", "label": {"fr": "Auteur", "en": "Writer"}, "titleField": "name", "public": true}, "properties": {"name": {"type": "string", "x-search": 2}, "slug": {"type": "string", "x-unique": true}`
	writerHidden  = `, "phone": {"type": "string", "x-private": true, "x-search": 3}, "boss": {"x-ref": {"types": ["writer"]}, "x-private": true}`
	dossierSchema = `{"title": "Dossier", "type": "object", "required": ["title"], "x-type": {"name": "dossier", "plural": "dossiers", "label": {"fr": "Dossier", "en": "File"}, "titleField": "title", "public": false},
  "properties": {"title": {"type": "string", "x-search": 4}, "slug": {"type": "string", "x-unique": true}, "case": {"x-ref": {"types": ["case"], "onDelete": "null", "inverse": "dossiers"}}, "author": {"x-ref": {"types": ["writer"], "onDelete": "null", "inverse": "dossiers"}}}}`
)

func schemasWith(secrets bool) []string {
	if secrets {
		return []string{strings.Replace(caseHead, "/*hidden*/", `, "dossier"`, 1) + caseHidden + caseEnd, writerHead + writerHidden + caseEnd, dossierSchema}
	}
	return []string{strings.Replace(caseHead, "/*hidden*/", "", 1) + "}" + caseTail + caseEnd, writerHead + caseEnd}
}

// casebook fills a world. Both worlds look alike to a stranger.
func casebook(t *testing.T, secrets bool) (*node, ids) {
	t.Helper()
	n := stronghold(t, schemasWith(secrets)...)
	writer := map[string]any{"name": "Camille Exemple"}
	if secrets {
		writer["phone"] = "canary 0600"
	}
	m := ids{"here": strings.TrimPrefix(n.URL, "http://"), "w": n.create("writer", writer, "?publish=true")}
	for i := range 9 {
		c := map[string]any{"title": fmt.Sprintf("Cas %d du budget", i), "kind": []string{"a", "b"}[i%2], "count": i, "score": float64(i) / 4, "open": i%3 == 0, "day": fmt.Sprintf("2026-01-%02d", i+1),
			"at": fmt.Sprintf("2026-01-%02dT10:00:00Z", i+1), "tags": []string{"commun", fmt.Sprintf("t%d", i)}, "place": map[string]any{"type": "Point", "coordinates": []float64{float64(i) / 10, 48}}, "commune": "67482",
			"author": map[string]any{"_ref": m["w"], "_type": "writer"}, "group": map[string]any{"name": "G"}}
		if secrets {
			c["agent"], c["rank"], c["pass"], c["grade"], c["zone"] = fmt.Sprintf("canary%d", i), 100-i*i%7, "canarypass", "canarygrade", "68224"
			c["inner"], c["spot"] = map[string]any{"part": "canarypart"}, map[string]any{"type": "Point", "coordinates": []float64{-60, float64(i)}}
			c["handler"], c["group"] = c["author"], map[string]any{"name": "G", "salary": 9000 + i}
		}
		m[fmt.Sprintf("c%d", i)] = n.create("case", c, "?publish=true")
	}
	if secrets {
		for i := range 5 {
			n.create("dossier", map[string]any{"title": fmt.Sprintf("canary dossier %d budget", i), "case": map[string]any{"_ref": m["c1"], "_type": "case"}, "author": map[string]any{"_ref": m["w"], "_type": "writer"}}, "?publish=true")
		}
		n.create("case", map[string]any{"title": "canary draft budget", "author": map[string]any{"_ref": m["w"], "_type": "writer"}}, "")
	}
	return n, m
}

// hiddenNames are those of the secrets, spelled in every way that a parser might take for them.
var hiddenNames = []string{"agent", "rank", "inner", "inner.part", "pass", "grade", "spot", "zone", "handler", "handler.name", "handler.phone", "folder", "folder.title", "dossier", "dossier.title", "dossier.case.title", "dossiers", "dossiers.title",
	"group.salary", "author.phone", "author.boss.phone", "author.dossiers", "next.agent", "next.next.agent", "next.author.phone", "author.cases", "author.cases.agent", "link.case.title", "link.title", "link.phone", "link.name",
	"Agent", "AGENT", "agent ", " agent", "agent.", ".agent", "agent..x", "agent.eq", "t1.agent", "case.agent", "c.agent", "$agent", "data.agent", "_source.agent", "doc.agent", "agent\x00", "аgent", "ａgent", "agent\u200b", "a\u0301gent",
	"_i18n.fr.agent", "_i18n", "_draft.agent", "_published.agent", "_createdBy", "_updatedBy", "_schedule", "_trashedAt", "_hash", "_slugs", "_live", "$where", "__proto__", "constructor", "__proto__.agent", "*", "**", "id", "_doc", "rowid", "1", "title,agent", "-agent", "(select agent)", "agent->x"}

// A hidden field, type or inverse list gives, in every parameter and every spelling, the bytes that an absent one gives.
func TestSecurity_HiddenFieldsAreAbsent(t *testing.T) {
	t.Parallel()
	with, idsWith := casebook(t, true)
	without, idsWithout := casebook(t, false)
	tokens := map[*node]string{with: newToken(with, "viewer", nil), without: newToken(without, "viewer", nil)}

	if a := asAdmin(t, with, "GET", "/api/v1/content/case?filter[agent]=canary1&fields=agent,rank,inner,grade,zone&include=author,folder", ""); !strings.Contains(string(a.Body), "canarygrade") {
		t.Fatalf("there is no secret to find: %s", a.Body)
	}
	asked := 0
	for _, q := range hiddenQuestions() {
		method, path, body := q[0], q[1], q[2]
		for _, who := range []string{"stranger", "viewer"} {
			var faces [2]string
			for i, n := range []*node{with, without} {
				m := []ids{idsWith, idsWithout}[i]
				var headers []string
				if who == "viewer" {
					if asked%3 != 0 { // a viewer sees what a stranger sees: a third of the questions shows it
						continue
					}
					headers = []string{bearer(tokens[n])}
				}
				faces[i] = m.face(sendRaw(t, n, method, m.fill(path), m.fill(body), headers...))
			}
			asked++
			if faces[0] != faces[1] {
				t.Errorf("%s: %s %s %s tells of secrets:\n%s\n--- without any:\n%s", who, method, path, body, faces[0], faces[1])
			}
			if strings.Contains(faces[0], "canary") && !strings.Contains(path+body, "canary") {
				t.Errorf("%s: %s %s %s shows a secret:\n%s", who, method, path, body, faces[0])
			}
		}
	}
	if asked < 2000 {
		t.Errorf("only %d questions", asked)
	}
}

// hiddenQuestions puts each name into each parameter, in URL and body.
func hiddenQuestions() [][3]string {
	var all [][3]string
	ask := func(format string, args ...any) {
		all = append(all, [3]string{"GET", fmt.Sprintf(format, args...), ""})
	}
	body := func(v any) {
		text, _ := json.Marshal(v)
		all = append(all, [3]string{"POST", "/api/v1/content/case/query", string(text)})
	}
	const list = "/api/v1/content/case?"
	for _, name := range hiddenNames {
		n := url.QueryEscape(name)
		for _, op := range []string{"eq", "nin", "prefix", "exists", "between", "$gt"} {
			ask(list+"filter[%s][%s]=%s", n, op, map[string]string{"exists": "true", "between": "a,z"}[op]+map[bool]string{true: "canary1"}[op != "exists" && op != "between"])
		}
		for _, p := range []string{"sort=%s", "sort=-%s", "sort=title,%s", "facets=%s", "fields=%s", "fields=title,%s", "include=%s", "include=author.%s", "geo=%s&bbox=-180,-90,180,90", "filter[%s]=1", "q=budget&sort=%s", "q=budget&facets=%s", "state=published&sort=%s"} {
			ask(list+p, n)
		}
		for _, one := range []string{"/api/v1/content/case/{c1}?fields=%s", "/api/v1/content/case/{c1}?include=%s", "/api/v1/content/writer?filter[%s]=1", "/api/v1/content/writer?sort=%s", "/api/v1/types/%s", "/browse/case?q=%s"} {
			if strings.ContainsAny(name, "\x00/ .") && strings.Contains(one, "types") {
				continue
			}
			ask(one, n)
		}
		body(map[string]any{"filter": map[string]any{name: "canary1"}})
		body(map[string]any{"filter": map[string]any{name: map[string]any{"prefix": "c"}}})
		body(map[string]any{"filter": map[string]any{"or": []any{map[string]any{"count": 1}, map[string]any{"not": map[string]any{"and": []any{map[string]any{name: map[string]any{"exists": true}}}}}}}})
		body(map[string]any{"sort": []any{name}})
		body(map[string]any{"facets": name})
		body(map[string]any{"fields": []any{name}})
		body(map[string]any{"include": []any{name}})
		body(map[string]any{name: 1})
	}
	for _, q := range []string{"canary", "canary1", "canarypart", "0600", "dossier", "budget", "agent:canary1", "canarygrade", "9001", "canar*", "canory1", `"canary dossier"`, "draft"} {
		for _, p := range []string{"/api/v1/content/case?q=%s", "/api/v1/content/case?q=%s&highlight=true", "/api/v1/content/case?q=%s&facets=kind,tags", "/api/v1/content/writer?q=%s", "/api/v1/search?q=%s", "/api/v1/search?q=%s&highlight=true&limit=1",
			"/api/v1/search?q=%s&types=case,dossier", "/api/v1/search?q=%s&types=dossier", "/browse/case?q=%s", "/browse/dossier?q=%s", "/api/v1/content/dossier?q=%s"} {
			ask(p, url.QueryEscape(q))
		}
	}
	for _, p := range []string{"within=68224", "within=67482", "within=68", "within=departement:68", "within=commune:68224", "bbox=-70,-10,-50,20", "near=5,-60,900000", "near=48,0,500000", "geo=place&bbox=-1,47,2,49", "limit=2", "limit=2&sort=-count", "total=false", "locale=en", "richtext=html", ""} {
		ask(list+"%s", p)
	}
	for _, path := range []string{"/api/v1/types", "/api/v1/types/case", "/api/v1/types/writer", "/api/v1/types/dossier", "/openapi.json", "/", "/browse/case", "/browse/writer", "/browse/dossier", "/browse/case/{c1}", "/browse/case/cas-1-du-budget", "/api/v1/content/dossier", "/api/v1/content/case/{c1}",
		"/api/v1/content/case/{c1}/references", "/api/v1/content/writer/{w}/references", "/api/v1/content/writer/{w}/references?limit=3", "/api/v1/content/writer/{w}", "/api/v1/content/case/canary-dossier-0-budget", "/api/v1/content/case/canary-draft-budget", "/api/v1/content/dossier/canary-dossier-0-budget",
		"/api/v1/content/case/{c1}?include=author,next", "/api/v1/content/case/{c1}/revisions", "/api/v1/content/case/{c1}/revisions/1", "/api/v1/changes?types=dossier", "/api/v1/changes?types=case,dossier", "/browse/case/canary-draft-budget"} {
		all = append(all, [3]string{"GET", path, ""}, [3]string{"HEAD", path, ""}, [3]string{"OPTIONS", path, ""})
	}
	return all
}

// Operators come from our list, at any depth and in any disguise; no value becomes one.
func TestSecurity_OnlyOurOperators(t *testing.T) {
	t.Parallel()
	n, _ := casebook(t, true)
	for _, tc := range []struct{ attack, query, reason string }{
		{"an operator of MongoDB on a field", "filter[title][$ne]=x", "unknown_operator"},
		{"$where as a field", "filter[$where]=sleep(1000)", "unknown_field"},
		{"$where in a tree", `filter={"$where":"1"}`, "unknown_field"},
		{"$where under or", `filter={"or":[{"title":"a"},{"$where":"1"}]}`, "unknown_field"},
		{"$expr under not under and", `filter={"not":{"and":[{"$expr":{}}]}}`, "unknown_field"},
		{"$or", `filter={"$or":[{}]}`, "unknown_field"},
		{"$regex", `filter={"title":{"$regex":".*"}}`, "unknown_operator"},
		{"regex", `filter={"title":{"regex":".*"}}`, "unknown_operator"},
		{"like", "filter[title][like]=%25", "unknown_operator"},
		{"starts_with, as others call it", "filter[title][_starts_with]=C", "unknown_operator"},
		{"lookup", `filter={"title":{"lookup":"x"}}`, "unknown_operator"},
		{"operators in another case", "filter[title][EQ]=x", "unknown_operator"},
		{"an operator of operators", `filter={"title":{"not":{"eq":"a"}}}`, "unknown_operator"},
		{"a function", `filter={"title":{"$func":"phpinfo"}}`, "unknown_operator"},
		{"__proto__ as a field", "filter[__proto__][title]=x", "unknown_field"},
		{"__proto__ in a tree", `filter={"__proto__":{"eq":"x"}}`, "unknown_field"},
		{"constructor.prototype", `filter={"constructor.prototype":1}`, "unknown_field"},
		{"an object for a value", `filter={"title":{"eq":{"$gt":""}}}`, "bad_value"},
		{"an object in a list", `filter={"title":{"in":[{"$gt":""}]}}`, "bad_value"},
		{"an object for a list", `filter={"title":{"in":{"0":"a"}}}`, "bad_value"},
		{"a list for a value", `filter={"title":["a"]}`, "bad_filter"},
		{"a list in a value", `filter={"title":{"eq":["a"]}}`, "bad_value"},
		{"a boolean for text", `filter={"title":{"eq":true}}`, "bad_value"},
		{"text for a list of branches", `filter={"or":"title"}`, "bad_filter"},
		{"an object for a list of branches", `filter={"or":{"0":{"title":"a"}}}`, "bad_filter"},
		{"a list for not", `filter={"not":[{"title":"a"}]}`, "bad_filter"},
		{"null for or", `filter={"or":null}`, "bad_filter"},
		{"an array for a tree", `filter=[{"title":"a"}]`, "bad_filter"},
		{"text for a tree", `filter="title"`, "bad_filter"},
		{"brackets within brackets", "filter[or][0][title]=x", "bad_filter"},
		{"empty brackets", "filter[]=x", "bad_filter"},
		{"brackets that do not close", "filter[title=x", "bad_filter"},
		{"brackets that close twice", "filter[title]][eq]=x", "bad_filter"},
		{"a list by brackets", "filter[title][]=x", "unknown_operator"},
		{"an index", "filter[title][0]=x", "unknown_operator"},
		{"keys twice", `filter={"title":{"eq":"a"},"title":{"eq":"b"}}`, "bad_filter"},
		{"keys that differ in case", `filter={"title":{"eq":"a","EQ":"b"}}`, "bad_filter"},
		{"21 conditions", strings.Repeat("filter[count]=1&", 20) + "filter[count]=1", "too_many_conditions"},
		{"a tree five deep", `filter={"not":{"not":{"not":{"not":{"not":{"count":1}}}}}}`, "too_deep"},
		{"201 values", "filter[title][in]=" + strings.Repeat("a,", 200) + "a", "too_many_values"},
		{"a value of 1001 bytes", "filter[title]=" + strings.Repeat("a", 1001), "bad_value"},
		{"a search of 501 characters", "q=" + strings.Repeat("a", 501), "too_long"},
		{"limit 0", "limit=0", "bad_limit"},
		{"limit 201", "limit=201", "bad_limit"},
		{"a negative limit", "limit=-1", "bad_limit"},
		{"a limit in a float", "limit=1e1", "bad_limit"},
		{"a limit beyond 64 bits", "limit=18446744073709551617", "bad_limit"},
		{"six sort keys", "sort=title,count,score,open,day,at", "too_many_sort_keys"},
		{"eleven facets", "facets=a,b,c,d,e,f,g,h,i,j,k", "too_many_facets"},
		{"21 includes", "include=a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u", "too_many_includes"},
		{"an include four deep", "include=next.next.next.next", "too_deep"},
		{"a filter through four references", "filter[next.next.next.next.title]=a", "unknown_field"},
		{"a parameter twice", "limit=1&limit=200", "repeated_parameter"},
		{"an offset", "offset=1", "unknown_parameter"},
		{"a parameter in another case", "Limit=1", "unknown_parameter"},
		{"NaN", "filter[score]=NaN", "bad_value"},
		{"infinity", "filter[score][lt]=Infinity", "bad_value"},
		{"a number too large", "filter[score][lt]=1e999", "bad_value"},
		{"a hexadecimal number", "filter[count]=0x10", "bad_value"},
		{"a time that is none", "filter[at][gt]=now()", "bad_value"},
		{"a bbox with NaN", "bbox=NaN,0,1,1", "bad_bbox"},
		{"a bbox beyond the poles", "bbox=0,-91,1,91", "bad_bbox"},
		{"a circle larger than the Earth", "near=0,0,1e300", "bad_near"},
		{"a negative circle", "near=0,0,-5", "bad_near"},
		{"a territory that is none", "within=67%27%20OR%201", "bad_within"},
		{"another state", "state=all", "bad_state"},
		{"another rich text", "richtext=pdf", "bad_richtext"},
		{"a language that is a path", "locale=../../etc/passwd", "unknown_locale"},
		{"a sort by an expression", "sort=(CASE%20WHEN%201%20THEN%20title%20END)", "unknown_field"},
		{"a sort by a column's number", "sort=1", "unknown_field"},
		{"a sort by random()", "sort=random()", "unknown_field"},
		{"a sort by slug and SQL", "sort=slug;DROP%20TABLE%20x", ""},
		{"an aggregate", "aggregate[min]=rank", "unknown_parameter"},
		{"a group", "groupBy=rank", "unknown_parameter"},
		{"an alias", "alias[x]=rank", "unknown_parameter"},
		{"populate", "populate=*", "unknown_parameter"},
	} {
		a := n.public("GET", "/api/v1/content/case?"+strings.NewReplacer(" ", "%20", `"`, "%22", "{", "%7B", "}", "%7D").Replace(tc.query))
		if reason, _ := a.JSON(t)["reason"].(string); a.Status != 400 || reason != tc.reason {
			t.Errorf("%s: %d %q, want 400 %q\n%s", tc.attack, a.Status, reason, tc.reason, a.Body)
		}
	}
}

// What SQL, Bleve, a shell or a template would take for syntax is text that matches nothing, and no error.
func TestSecurity_ValuesAreText(t *testing.T) {
	t.Parallel()
	n, _ := casebook(t, true)
	total := n.public("GET", "/api/v1/content/case").JSON(t)["page"].(map[string]any)["total"]
	for _, v := range []string{"' OR '1'='1", `" OR 1=1 --`, "1; DROP TABLE entries; --", "%", "_", "a%' ESCAPE '", "') UNION SELECT json FROM entries --", "x' AND randomblob(1000000000) --", `\`, `\'`, "${jndi:ldap://x}", "{{7*7}}", "$(id)", "`id`",
		"+canary* -budget", "agent:canary1", "agent:>a", `"canary 0600"~9`, "/canary.*/", "canary1^9", "(canary OR budget)", "title:*", "_all:canary", "[a TO z]", "<script>", "\u202e", "*", "?", "~", "AND", "NOT", "\x01", "NEAR(a b)", "{title body}: x"} {
		for _, p := range []string{"filter[title]=%s", "filter[slug][prefix]=%s", "filter[title][contains]=%s", "filter[tags][in]=%s", "filter[author]=%s", "filter[author.name]=%s", "filter[_id]=%s", "filter[kind]=%s", "q=%s", "q=%s&highlight=true&sort=-count"} {
			a := n.public("GET", "/api/v1/content/case?"+fmt.Sprintf(p, url.QueryEscape(v)))
			if a.Status >= 500 || strings.Contains(string(a.Body), "canary") {
				t.Errorf("%s with %q: %d %s", p, v, a.Status, a.Body)
			}
			if a.Status != 200 {
				continue
			}
			if got := a.JSON(t)["page"].(map[string]any)["total"].(float64); got != 0 && !harmless(p, v, got) {
				t.Errorf("%s with %q finds %v", p, v, got)
			}
		}
		for _, path := range []string{"/api/v1/content/case/", "/api/v1/content/", "/api/v1/types/", "/browse/case/"} {
			if a := n.public("GET", path+url.PathEscape(v)); a.Status != 404 {
				t.Errorf("%s%q: %d", path, v, a.Status)
			}
		}
	}
	if now := n.public("GET", "/api/v1/content/case").JSON(t)["page"].(map[string]any)["total"]; now != total {
		t.Errorf("%v cases were there, now %v", total, now)
	}
}

// harmless are values that hold a word of the public texts, or are one of their characters.
func harmless(parameter, value string, found float64) bool {
	text := strings.HasPrefix(parameter, "q=") && (strings.Contains(value, "budget") || strings.ContainsAny(value, "17"))
	return text && found <= 9
}

// An empty list matches nothing and its negation everything; nothing that a caller writes widens what he may see.
func TestSecurity_RulesHoldUnderAnyTree(t *testing.T) {
	t.Parallel()
	n, _ := casebook(t, true)
	for tree, want := range map[string]float64{
		`{"kind":{"in":[]}}`:  0,
		`{"kind":{"nin":[]}}`: 9,
		`{"or":[]}`:           0,
		`{"and":[]}`:          9,
		`{"not":{"or":[]}}`:   9,
		`{"not":{"and":[]}}`:  0,
		`{}`:                  9,
		`{"or":[{}]}`:         9,
		`{"or":[{"_status":"draft"},{"_status":"published"}]}`:  9,
		`{"_status":{"ne":"published"}}`:                        0,
		`{"not":{"_status":"published"}}`:                       0,
		`{"_publishedAt":{"exists":false}}`:                     0,
		`{"not":{"_publishedAt":{"exists":true}}}`:              0,
		`{"or":[{"not":{"title":"x"}},{"title":"x"}]}`:          9,
		`{"title":{"contains":"canary"}}`:                       0,
		`{"not":{"title":{"contains":"Cas"}}}`:                  0,
		`{"author.name":{"exists":true}}`:                       9,
		`{"next.title":{"exists":false}}`:                       9,
		`{"or":[{"next.title":{"ne":"x"}},{"count":{"lt":0}}]}`: 9,
	} {
		for _, a := range []*answer{n.public("GET", "/api/v1/content/case?filter="+url.QueryEscape(tree)), sendRaw(t, n, "POST", "/api/v1/content/case/query", `{"filter": `+tree+`}`)} {
			if a.Status != 200 || a.JSON(t)["page"].(map[string]any)["total"] != want {
				t.Errorf("%s: %d, want %v\n%s", tree, a.Status, want, a.Body)
			}
		}
	}
	if a := n.public("GET", "/api/v1/content/case?filter[kind][in]="); a.JSON(t)["page"].(map[string]any)["total"] != 0.0 {
		t.Errorf("an empty in in the address: %s", a.Body)
	}
}

// A cursor is signed, and belongs to the query, type, state and language that it came from.
func TestSecurity_Cursors(t *testing.T) {
	t.Parallel()
	n, _ := casebook(t, true)
	next := func(path string, headers ...string) string {
		t.Helper()
		a := sendRaw(t, n, "GET", path, "", headers...)
		if a.Status != 200 {
			t.Fatalf("%s: %d %s", path, a.Status, a.Body)
		}
		s, _ := a.JSON(t)["page"].(map[string]any)["next"].(string)
		if s == "" {
			t.Fatalf("%s has no next page", path)
		}
		return s
	}
	const list = "/api/v1/content/case?limit=2"
	good := next(list)
	admin := bearer(adminToken)
	foreign, _ := casebook(t, true)
	elsewhere, _ := sendRaw(t, foreign, "GET", list, "").JSON(t)["page"].(map[string]any)["next"].(string)
	raw, err := base64.RawURLEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	flipped := func(i int) string {
		b := append([]byte(nil), raw...)
		b[i] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}
	if a := n.public("GET", list+"&after="+good); a.Status != 200 {
		t.Fatalf("the cursor where it belongs: %d", a.Status)
	}
	for _, tc := range []struct{ attack, path string }{
		{"its signature altered", list + "&after=" + flipped(0)},
		{"its place altered", list + "&after=" + flipped(len(raw)-1)},
		{"cut short", list + "&after=" + good[:len(good)-4]},
		{"the signature alone", list + "&after=" + good[:22]},
		{"prolonged", list + "&after=" + good + "AAAA"},
		{"padded", list + "&after=" + good + "="},
		{"of another server", list + "&after=" + elsewhere},
		{"an identifier", list + "&after=01jd0000000000000000000000"},
		{"JSON", list + "&after=" + base64.RawURLEncoding.EncodeToString([]byte(`{"_id":"1","rank":99}`))},
		{"8 KB of it", list + "&after=" + strings.Repeat("A", 7000)},
		{"under another filter", list + "&filter[kind]=a&after=" + good},
		{"under another sort", list + "&sort=title&after=" + good},
		{"with a search", list + "&q=budget&after=" + good},
		{"in another language", list + "&locale=en&after=" + good},
		{"in a box", list + "&bbox=-1,47,2,49&after=" + good},
		{"for another type", "/api/v1/content/writer?after=" + good},
		{"for references", "/api/v1/content/writer/01jd0000000000000000000000/references?after=" + good},
		{"for a search across types", "/api/v1/search?q=budget&after=" + good},
		{"of a search across types, here", list + "&after=" + next("/api/v1/search?q=budget&limit=1")},
		{"of an administrator's look at drafts, here", list + "&after=" + next(list+"&state=draft", admin)},
		{"of a sort by a hidden field, here", list + "&after=" + next(list+"&sort=rank", admin)},
		{"of a filter on a hidden field, here", list + "&after=" + next(list+"&filter[agent][prefix]=canary", admin)},
	} {
		if a := n.public("GET", tc.path); a.Status != 400 && !(a.Status == 404 && strings.Contains(tc.path, "references")) {
			t.Errorf("%s: %d %s", tc.attack, a.Status, a.Body)
		}
	}
	// What a stranger's cursor holds can be read by him: it holds nothing that he may not read.
	for _, sort := range []string{"", "&sort=title", "&sort=-count,day", "&q=budget"} {
		place, _ := base64.RawURLEncoding.DecodeString(next(list + sort))
		if strings.Contains(string(place), "canary") {
			t.Errorf("the cursor of %q tells a secret: %q", sort, place)
		}
	}
}

// A stranger's costliest questions are answered or refused soon.
func TestSecurity_CostlyQuestions(t *testing.T) {
	t.Parallel()
	n, m := casebook(t, false)
	for i := range 9 { // a ring of references
		n.want(http.StatusOK, "PATCH", "/api/v1/content/case/"+m[fmt.Sprintf("c%d", i)]+"?publish=true", map[string]any{"next": map[string]any{"_ref": m[fmt.Sprintf("c%d", (i+1)%9)], "_type": "case"}})
	}
	for _, path := range []string{
		"/api/v1/content/case?limit=200&include=next.next.next,author,next.author,next.next.author&facets=kind,tags&q=budget&highlight=true",
		"/api/v1/content/case?" + strings.Repeat("filter[next.next.next.title][contains]=a&", 19) + "filter[title]=a",
		"/api/v1/content/case?q=" + url.QueryEscape(strings.Repeat("a b* ", 99)),
		"/api/v1/content/case?q=" + url.QueryEscape(strings.Repeat("budjet", 80)),
		"/api/v1/search?limit=200&highlight=true&q=" + url.QueryEscape(strings.Repeat("budget ", 70)),
		"/api/v1/content/case?fields=" + strings.Repeat("title,", 1300),
		"/api/v1/content/case?sort=" + strings.Repeat("title,", 1300),
		"/api/v1/content/case?include=" + strings.Repeat("next.", 1500) + "next",
		"/api/v1/content/case?filter[" + strings.Repeat("next.", 1500) + "title]=1",
		"/api/v1/content/case?filter=" + strings.Repeat("%5B", 2500),
		"/api/v1/content/case?filter=" + url.QueryEscape(`{"or":[`+strings.Repeat(`{"or":[]},`, 700)+`{}]}`),
	} {
		began := time.Now()
		a := n.public("GET", path)
		if a.Status != 200 && a.Status != 400 && a.Status != 414 || time.Since(began) > 2*time.Second {
			t.Errorf("%.80s: %d after %s", path, a.Status, time.Since(began))
		}
	}
}
