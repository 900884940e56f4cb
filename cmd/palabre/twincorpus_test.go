package main_test

import (
	"fmt"
	"net/url"
	"strings"
)

// rolePaths are fields of a paper, and names that are none.
var rolePaths = []string{"title", "region", "size", "day", "tags", "note", "rank", "phone", "diet", "pass", "grade", "group.name", "group.salary", "see", "see.title", "see.note", "see.diet",
	"author", "author.name", "author.phone", "handler", "handler.name", "desk", "desk.title", "seenBy", "minutes", "_id", "_rev", "_status", "_updatedAt", "_publishedAt", "_createdBy", "absent"}

// roleCorpus is what somebody may try who wants to know what he may not see.
func roleCorpus() []string {
	var corpus []string
	add := func(format string, args ...any) { corpus = append(corpus, fmt.Sprintf(format, args...)) }
	list := "/api/v1/content/paper?"
	values := []string{"canaryalpha", "canaryomega1", "44", "{p0}", "1"}
	for i, path := range rolePaths {
		for j, op := range []string{"eq", "ne", "lt", "gte", "in", "nin", "contains", "prefix", "exists", "between"} {
			value := values[(i+j)%len(values)]
			switch op {
			case "exists":
				value = "true"
			case "between":
				value = "canarya,canaryz"
			}
			if value == "44" && strings.HasPrefix(path, "_") {
				value = "canaryalpha" // two figures stand in an identifier by chance, in one world and not in the other
			}
			state := []string{"", "&state=draft"}[j%2]
			add("%sfilter[%s][%s]=%s&fields=title%s", list, path, op, value, state)
		}
		for j, p := range []string{"sort=%s", "sort=-%s&state=draft", "facets=%s", "facets=%s&state=draft", "fields=%s", "fields=%s&state=draft", "include=%s", "include=%s&state=draft", "limit=2&sort=%s",
			"q=budget&sort=%s", "filter={\"not\":{\"%s\":1}}", "filter={\"or\":[{\"%s\":{\"exists\":true}},{\"size\":0}]}&state=draft"} {
			if j < 10 || i%2 == 0 {
				add(list+p, path)
			}
		}
		add("/api/v1/content/paper/{p1}?fields=%s", path)
		add("POST /api/v1/content/paper/query {\"filter\":{\"%s\":{\"prefix\":\"canary\"}},\"state\":\"draft\"}", path)
	}
	return append(append(append(append(corpus, searchCorpus()...), entryCorpus()...), typeCorpus()...), pluginCorpus()...)
}

// pluginCorpus asks the same of what plugins answer: layers, tiles, counts, maps, calendars and feeds.
func pluginCorpus() []string {
	corpus := []string{"/geo/layers", "/geo/style.json", "/map", "/map?lang=fr&layer=paper", "/map/embed?layer=paper&view=region", "/map?layer=paper&q=canaryalpha", "/feeds/sitemap.xml",
		"/api/v1/plugins", "/api/v1/plugin-ui", "/api/v1/plugin-order"}
	for _, q := range []string{"", "state=draft", "state=trash", "q=canaryalpha", "q=canaryomega&state=draft", "bbox=1,47,3,49", "near=48,2,30000&state=draft", "sort=-_updatedAt&limit=3&state=draft", "filter[_id]=" + hiddenDraft + "&state=draft"} {
		for _, at := range []string{"/geo/layers/paper.geojson?", "/geo/layers/paper/tilejson.json?", "/geo/layers/paper/territories?level=region&", "/geo/layers/paper/0/0/0.mvt?", "/geo/layers/paper/5/16/11.mvt?",
			"/geo/layers/memo.geojson?", "/calendar/paper.ics?", "/feeds/paper.atom?", "/feeds/paper.json?", "/feeds/memo.rss?"} {
			corpus = append(corpus, at+q, "HEAD "+at+q)
		}
	}
	for i, path := range rolePaths {
		state := []string{"", "&state=draft"}[i%2]
		for _, at := range []string{"/geo/layers/paper.geojson?", "/geo/layers/paper/4/8/5.mvt?", "/geo/layers/paper/territories?"} {
			corpus = append(corpus, at+"filter["+path+"][exists]=true"+state, at+"filter["+path+"]=canaryalpha"+state, at+"fields="+path+state, at+"geo="+path+state)
		}
	}
	return corpus
}

// searchCorpus looks for words.
func searchCorpus() []string {
	var corpus []string
	for _, q := range []string{"budget", "canaryalpha", "canaryomega", "canary*", "dossier", "soi", "est", "compte", `"canaryalpha budget"`, "brouillon"} {
		q = url.QueryEscape(q)
		for _, p := range []string{"/api/v1/content/paper?q=%s", "/api/v1/content/paper?q=%s&state=draft&highlight=true", "/api/v1/content/paper?q=%s&state=trash", "/api/v1/content/paper?q=%s&facets=region,tags,note,grade",
			"/api/v1/search?q=%s", "/api/v1/search?q=%s&state=draft&highlight=true", "/api/v1/search?q=%s&types=memo,minutes", "/api/v1/content/minutes?q=%s", "/api/v1/content/memo?q=%s", "/browse/paper?q=%s", "/api/v1/content/_user?q=%s"} {
			corpus = append(corpus, fmt.Sprintf(p, q))
		}
	}
	return corpus
}

// entryCorpus looks at single entries through every door, the hidden one among them.
func entryCorpus() []string {
	var corpus []string
	for _, name := range []string{"{p0}", "{p1}", "{p4}", "{own}", "{east}", "{linked}", hiddenDraft, "canary-slug", "dossier-1-du-budget", "canaryalpha"} {
		at := "/api/v1/content/paper/" + name
		for _, p := range []string{"", "?state=draft", "?state=trash", "?state=draft&include=see,author,handler,seenBy,minutes", "?include=seenBy,minutes,author.papers", "?state=draft&fields=diet,title", "/references", "/references?limit=1",
			"/revisions", "/revisions?limit=1", "/revisions/1", "/revisions/2", "/revisions/2?diff=1", "/revisions/1?diff=2", "/revisions/9"} {
			corpus = append(corpus, at+p, "HEAD "+at+p)
		}
		corpus = append(corpus, "/browse/paper/"+name)
		for _, action := range []string{"read", "create", "update", "history", "publish", "export", "submit", "delete", "list"} {
			corpus = append(corpus, "/api/v1/access/explain?type=paper&id="+name+"&action="+action)
		}
	}
	at := "/api/v1/content/paper/" + hiddenDraft
	for _, body := range []string{`{}`, `{"title":"x"}`, `{"region":"44"}`, `{"absent":1}`, `{"size":"x"}`, `{"slug":"dossier-1-du-budget"}`} {
		corpus = append(corpus, "PATCH "+at+" "+body, "POST /api/v1/batch "+`{"operations":[{"op":"update","type":"paper","id":"`+hiddenDraft+`","data":`+body+`}]}`,
			"POST /api/v1/batch "+`{"operations":[{"op":"update","type":"paper","id":"`+hiddenDraft+`","ifMatch":9,"data":`+body+`}]}`)
	}
	for _, name := range []string{"submit", "publish", "approve", "unpublish", "restore", "absent"} {
		corpus = append(corpus, "POST "+at+"/transitions/"+name, "POST "+at+"/transitions/"+name+` {"at":"2998-01-01T00:00:00Z"}`)
	}
	return append(corpus, "DELETE "+at, "DELETE "+at+"?purge=true", "POST "+at+"/revisions/1/restore", "POST "+at+"/revisions/9/restore",
		`POST /api/v1/content/_comment {"type":"paper","entry":"`+hiddenDraft+`","text":"x"}`,
		`POST /api/v1/content/_link {"type":"paper","entry":"`+hiddenDraft+`","actions":["read"],"expiresAt":"`+inAMonth()+`"}`,
		`POST /api/v1/content/paper {"title":"x","region":"44","see":{"_ref":"`+hiddenDraft+`","_type":"paper"}}`,
		`PATCH /api/v1/content/paper/{own} {"see":{"_ref":"`+hiddenDraft+`","_type":"paper"}}`)
}

// typeCorpus looks at types, lists, counts, changes, descriptions and pages.
func typeCorpus() []string {
	corpus := []string{"/", "/openapi.json", "/api/v1/types", "/api/v1/changes", "/api/v1/changes?limit=3", "/api/v1/changes?types=paper", "/api/v1/changes?types=memo", "/api/v1/changes?types=paper,minutes",
		"/api/v1/audit", "/api/v1/audit?event=login", "/api/v1/privacy/register", "/api/v1/privacy/retention", "/api/v1/auth/me", "/api/v1/auth/sessions", `POST /api/v1/privacy/subjects {"text":"canary"}`,
		`POST /api/v1/privacy/subjects/export {"text":"canaryalpha"}`, "/api/v1/access/explain?type=paper&action=read&as=reader", "/api/v1/access/explain?type=paper&action=read&as=canary-0", "/api/v1/access/explain?type=_user&action=read&as=canaryalpha0@example.org"}
	for _, typ := range []string{"paper", "memo", "minutes", "organization", "writer", "note", "_user", "_role", "_token", "_link", "_comment", "_session", "_audit", "_erasure", "_type", "absent"} {
		at := "/api/v1/content/" + typ
		for _, p := range []string{"", "?state=draft", "?state=trash", "?limit=1", "?sort=-_updatedAt&fields=_id&state=draft", "?total=false", "?filter[_status]=draft&state=draft", "?facets=kind", "?state=draft&sort=_id"} {
			if !strings.HasPrefix(typ, "_") || typ == "_comment" || p == "" {
				corpus = append(corpus, at+p)
			}
		}
		corpus = append(corpus, "/api/v1/export/"+typ, "/api/v1/export/"+typ+"?state=draft&format=csv", "/api/v1/audit?type="+typ, "HEAD "+at, "OPTIONS "+at, "/api/v1/types/"+typ, "/browse/"+typ, "/api/v1/access/explain?action=read&type="+typ, "/api/v1/access/explain?action=manage&type="+typ)
	}
	for _, p := range []string{"bbox=1,47,3,49", "near=48,2,30000", "locale=en", "facets=region,tags&limit=1", "include=author,see", "include=seenBy", "include=minutes&state=draft", "filter[see]=" + hiddenDraft, "filter[_id]=" + hiddenDraft + "&state=draft"} {
		corpus = append(corpus, "/api/v1/content/paper?"+p, "/api/v1/content/paper?state=draft&"+p)
	}
	return corpus
}
