package httpapi

import "net/http"

// operationDoc is what the description says of a route beside its row.
type operationDoc struct {
	tag          string
	summary      string
	params       string // names under components/parameters
	body         string // a schema's name
	optionalBody bool
	answers      []answerDoc
	problems     string // statuses under components/responses
}

type answerDoc struct{ status, text, schema, media string }

func ok(text, schema string) []answerDoc { return []answerDoc{{"200", text, schema, ""}} }

func nothing204(text string) []answerDoc { return []answerDoc{{"204", text, "", ""}} }

func page200(text string) []answerDoc { return []answerDoc{{"200", text, "", "text/html"}} }

const (
	listParams  = "filter q sort limit after total fields include facets locale state bbox near within geo richtext preview"
	oneParams   = "fields include locale state richtext preview redirect"
	writeParams = "publish comment fields include locale richtext"
)

// operationDocs has one line for each name in the table of routes.
var operationDocs = map[string]operationDoc{
	"listEntries":  {tag: "content", summary: "A page of entries", params: listParams, answers: ok("A page.", "EntryPage"), problems: "304 400 401 403 404"},
	"queryEntries": {tag: "content", summary: "A page of entries, the query in the body", body: "Query", answers: ok("A page.", "EntryPage"), problems: "400 401 403 404 413 415"},
	"readEntry": {tag: "content", summary: "One entry, by identifier or slug", params: oneParams, problems: "304 400 401 403 404",
		answers: append(ok("The entry.", "Entry"), answerDoc{"301", "The slug is a former one: Location has the present one. With redirect=false the entry comes at once, with _redirect.", "", ""})},
	"createEntry": {tag: "content", summary: "Create an entry", params: writeParams + " idempotencyKey", body: "EntryWrite", problems: "400 401 403 404 409 413 415 422 503",
		answers: []answerDoc{{"201", "The entry as its writer sees it.", "Entry", ""}}},
	"updateEntry": {tag: "content", summary: "Change the draft of an entry (JSON Merge Patch, RFC 7396)", params: writeParams + " ifMatch", body: "EntryPatch",
		answers: ok("The entry as its writer sees it.", "Entry"), problems: "400 401 403 404 409 412 413 415 422 428 503"},
	"replaceEntry": {tag: "content", summary: "Replace the draft of an entry; with If-None-Match: * create it under this identifier", params: writeParams + " ifMatch", body: "EntryWrite",
		answers: append(ok("The entry as its writer sees it.", "Entry"), answerDoc{"201", "It was created.", "Entry", ""}), problems: "400 401 403 404 409 412 413 415 422 428 503"},
	"deleteEntry": {tag: "content", summary: "Put an entry into the trash, or with purge=true delete it for good", params: "purge comment ifMatch",
		answers: []answerDoc{{"204", "Done.", "", ""}}, problems: "400 401 403 404 409 412 428 503"},
	"moveEntry": {tag: "content", summary: "Move an entry in its workflow, now or at a time", params: "fields include locale richtext ifMatch idempotencyKey", body: "Move", optionalBody: true,
		answers: ok("The entry as its writer sees it.", "Entry"), problems: "400 401 403 404 409 412 422 428 503"},
	"listRevisions": {tag: "content", summary: "The history of an entry, newest first", params: "limit", answers: ok("A page of revisions.", "RevisionPage"), problems: "304 400 401 403 404"},
	"readRevision":  {tag: "content", summary: "An entry as it was at a revision, or with diff the RFC 6902 patch that leads to it", params: "diff", answers: ok("The revision, or the patch.", "Revision"), problems: "304 400 401 403 404"},
	"restoreRevision": {tag: "content", summary: "Make the document of a revision the draft", params: "fields include locale richtext ifMatch idempotencyKey", body: "Comment", optionalBody: true,
		answers: ok("The entry as its writer sees it.", "Entry"), problems: "400 401 403 404 409 412 422 428 503"},
	"listReferences": {tag: "content", summary: "Where an entry is referred to", params: "limit", answers: ok("The references.", "ReferencePage"), problems: "304 400 401 403 404"},
	"batch":          {tag: "content", summary: "Several writes as one commit, all or nothing", params: "idempotencyKey", body: "Batch", answers: ok("What became of each operation.", "BatchResults"), problems: "400 401 403 404 409 412 413 415 422 503"},
	"search":         {tag: "content", summary: "Search across types, ranked, with highlights", params: "q types limit after fields locale", answers: ok("A ranked page.", "SearchPage"), problems: "304 400 401 403"},
	"followChanges": {tag: "content", summary: "What changed since a position: a page, or with Accept: text/event-stream a stream", params: "since types limit lastEventID", problems: "400 401 503",
		answers: ok("A page of changes.", "ChangePage")},
	"listTypes": {tag: "types", summary: "The content types", answers: ok("The types that the caller may see.", "TypeList"), problems: "304 401"},
	"readType":  {tag: "types", summary: "The JSON Schema of a type, as the caller may see it", answers: ok("A JSON Schema (draft 2020-12).", "JSONSchema"), problems: "304 401 403 404"},
	"checkType": {tag: "types", summary: "Review a proposed schema against every stored entry; changes nothing", body: "Proposal", answers: ok("The review.", "Review"), problems: "400 401 403 404 413 415 422"},
	"applyType": {tag: "types", summary: "Apply a schema, and repairs to the entries", body: "Proposal", problems: "400 401 403 404 409 413 415 422 503",
		answers: append(ok("The review of what was done.", "Review"), answerDoc{"201", "The type is new.", "Review", ""})},
	"explainRight": {tag: "access", summary: "Which permission allows or forbids an action, and which fields are hidden", params: "as action type id",
		answers: ok("The explanation.", "Explanation"), problems: "400 401 403 404"},
	"previewRole": {tag: "access", summary: "What a changed role would open and close; changes nothing", body: "Role", answers: ok("What moves.", "RolePreview"),
		problems: "400 401 403 404 413 415 422"},
	"rebuildCatalog": {tag: "operations", summary: "Make the catalog, which answers reads, anew from the log; reads and writes go on. The answer comes when it is done, and a caller who leaves ends it", problems: "400 401 403 409 503",
		answers: ok("It is done.", "Rebuilt")},
	"verifyCatalog": {tag: "operations", summary: "Compare the catalog with the log; reads and writes go on. The answer comes when it is done, and a caller who leaves ends it", problems: "400 401 403 409 503",
		answers: ok("What differs.", "Verified")},
	"privacyRegister": {tag: "privacy", summary: "The register of processing: what the content types declare with x-personal; with Accept: text/csv or format=csv a table", params: "format", answers: ok("The lines.", "Register"), problems: "400 401 403 503"},
	"findSubject":     {tag: "privacy", summary: "Look for somebody in all entries, past versions included", body: "Subject", answers: ok("Where they are found.", "SubjectReport"), problems: "400 401 403 404 413 415 422 503"},
	"exportSubject":   {tag: "privacy", summary: "Everything that is kept about somebody", body: "Subject", answers: ok("What is kept.", "SubjectExport"), problems: "400 401 403 404 413 415 422 503"},
	"erase": {tag: "privacy", summary: "Take personal data out of entries and of their past. The answer comes when it is done", body: "Erasure", problems: "400 401 403 404 409 413 415 422 503",
		answers: append(ok("What would be done, with dryRun.", "ErasureReport"), answerDoc{"201", "It is done.", "ErasureReport", ""})},
	"reviewRetention": {tag: "privacy", summary: "What has been kept for longer than its type declares", answers: ok("What is due.", "RetentionReport"), problems: "400 401 403 503"},
	"sweepRetention":  {tag: "privacy", summary: "Erase what has been kept for longer than its type declares", body: "Sweep", optionalBody: true, answers: ok("What was due.", "RetentionReport"), problems: "400 401 403 409 413 415 503"},
	"exportEntries": {tag: "content", summary: "All entries that a filter finds, as a file; noted in the audit trail", params: "filter q sort fields locale state bbox near within geo richtext format",
		answers: []answerDoc{{"200", "The file: JSON Lines, or CSV.", "", "application/jsonl"}}, problems: "400 401 403 404 503"},
	"listAudit": {tag: "operations", summary: "Who did what, when, from where, the newest first", params: "by event type entry address sinceTime until after limit", problems: "400 401 403 404 503",
		answers: ok("A page of the trail.", "AuditPage")},
	"signIn": {tag: "accounts", summary: "Sign in: sets the cookie of a session. 401 with the reason otp_required asks for a code as well; totpRequired in the answer says that everything is refused, with the reason totp_required, until a second factor is set up", body: "SignIn", problems: "400 401 403 413 415 422 429 503",
		answers: ok("Signed in.", "SignedIn")},
	"signOut":        {tag: "accounts", summary: "Sign out", answers: nothing204("Signed out."), problems: "400 403 503"},
	"me":             {tag: "accounts", summary: "Who is signed in; user is null for nobody", answers: ok("The caller.", "Me"), problems: "400"},
	"changePassword": {tag: "accounts", summary: "Change one’s password: all sessions end, and a new one begins", body: "PasswordChange", answers: ok("Done.", "SignedIn"), problems: "400 401 403 412 413 415 422 429 503"},
	"forgotPassword": {tag: "accounts", summary: "Ask for a link to choose a new password. The answer is the same whether there is such an account or not", body: "Forgot",
		answers: nothing204("If there is such an account, a link is on its way."), problems: "400 403 413 415 422 429"},
	"resetPassword": {tag: "accounts", summary: "Set a new password with the token of a link, once: all sessions end, and the API tokens that act for the account or that it has made are revoked", body: "Reset", answers: nothing204("Done."), problems: "400 403 413 415 422 429 503"},
	"showReset":     {tag: "accounts", summary: "The page that such a link leads to, on which the password is chosen", params: "token", answers: append(page200("The page."), answerDoc{"403", "The page, which says that the link does not hold.", "", "text/html"}), problems: "400 429 503"},
	"resetOnPage":   {tag: "accounts", summary: "What the form of that page sends", body: "ResetForm", answers: page200("The page, which says that it is done."), problems: "400 403 413 415 422 429 503"},
	"makeResetLink": {tag: "accounts", summary: "Make such a link for somebody, to hand over. Where public_url is not set, the link is a path, and note says so", body: "ResetLinkFor", problems: "400 401 403 404 413 415 422 503",
		answers: []answerDoc{{"201", "The link.", "ResetLink", ""}}},
	"beginTOTP": {tag: "accounts", summary: "Begin to set up a second factor (RFC 6238), or another one in the place of the present one, which stays until that is confirmed. An account without a password and a second factor must have signed in within ten minutes",
		body: "Proof", optionalBody: true, answers: ok("What an authenticator needs.", "TOTPSetup"), problems: "400 401 403 412 413 415 422 429 503"},
	"confirmTOTP":      {tag: "accounts", summary: "Turn the second factor on with a code of it, in the session that began: the account’s other sessions end", body: "TOTPCode", answers: ok("The recovery codes, shown this once.", "RecoveryCodes"), problems: "400 401 403 409 412 413 415 422 429 503"},
	"dropTOTP":         {tag: "accounts", summary: "Turn the second factor off: all sessions end", body: "Proof", optionalBody: true, answers: nothing204("Done."), problems: "400 401 403 409 412 413 415 422 429 503"},
	"newRecoveryCodes": {tag: "accounts", summary: "Replace the recovery codes: the account’s other sessions end", body: "Proof", optionalBody: true, answers: ok("The recovery codes, shown this once.", "RecoveryCodes"), problems: "400 401 403 409 412 413 415 422 429 503"},
	"listSessions":     {tag: "accounts", summary: "One’s sessions, the newest first", answers: ok("The sessions.", "SessionList"), problems: "400 401"},
	"endOtherSessions": {tag: "accounts", summary: "End all of one’s sessions but this one", answers: nothing204("Done."), problems: "400 401 403 503"},
	"endSession":       {tag: "accounts", summary: "End one of one’s sessions", answers: nothing204("Done."), problems: "400 401 403 404 503"},
	"listProviders":    {tag: "accounts", summary: "Where else one can sign in", answers: ok("The providers.", "ProviderList"), problems: "400"},
	"beginOIDC":        {tag: "accounts", summary: "Go there to sign in", params: "back", answers: []answerDoc{{"302", "The provider’s address.", "", ""}}, problems: "400 404 503"},
	"endOIDC":          {tag: "accounts", summary: "Come back from there", answers: []answerDoc{{"302", "Signed in; Location is where one was going.", "", ""}}, problems: "400 401 403 404 429 503"},
	"describeAPI":      {tag: "operations", summary: "This description", answers: ok("An OpenAPI 3.1 document.", "JSONSchema")},
	"healthz":          {tag: "operations", summary: "Whether the process answers", answers: ok("It does.", "Health")},
	"readyz":           {tag: "operations", summary: "Whether to send requests here", answers: append(ok("It can serve reads; writes says whether it can write.", "Readiness"), answerDoc{"503", "It is ending.", "Readiness", ""})},
	"metrics":          {tag: "operations", summary: "Figures for Prometheus", answers: []answerDoc{{"200", "The figures.", "", "text/plain"}}},
	"home":             {tag: "operations", summary: "A page that shows what there is", answers: page200("The page.")},
	"browseType":       {tag: "operations", summary: "A page of entries, for people", params: "q after", answers: page200("The page."), problems: "400 404"},
	"browseEntry":      {tag: "operations", summary: "An entry, for people", answers: page200("The page."), problems: "400 404"},
	"explainProblem":   {tag: "operations", summary: "What a type of problem means", answers: ok("The problem’s status and title.", "ProblemType"), problems: "404"},
	"asset":            {tag: "operations", summary: "A file of the pages", answers: []answerDoc{{"200", "The file.", "", "*/*"}}, problems: "404"},
}

func query(name, text string, schema object) object {
	return object{"name": name, "in": "query", "description": text, "schema": schema}
}

func header(name, text string) object {
	return object{"name": name, "in": "header", "description": text, "schema": typed("string")}
}

func typed(name string) object { return object{"type": name} }

// parameters are those of all routes.
func parameters() object {
	text := func(name, about string) object { return query(name, about, typed("string")) }
	limit := query("limit", "How many, 1 to 200.", object{"type": "integer", "minimum": 1, "maximum": 200, "default": 20})
	filter := query("filter", "filter[field][op]=value with eq (may be left out), ne, lt, lte, gt, gte, in, nin (comma-separated), contains, prefix, exists, between; several are ANDed. Or filter={…}, a tree with and, or, not.",
		object{"type": "object", "additionalProperties": true})
	filter["style"], filter["explode"] = "deepObject", true
	return object{
		"filter": filter, "limit": limit,
		"q":        text("q", "Full-text search, accents and case folded, ranked."),
		"sort":     text("sort", "Fields, comma-separated, - for descending: -population,title. _score with q."),
		"after":    text("after", "The cursor of the page before."),
		"total":    query("total", "false spares the count.", object{"type": "boolean", "default": true}),
		"fields":   text("fields", "Only these, comma-separated; _id and _type always."),
		"include":  text("include", "References and inverse lists to embed, comma-separated and dotted, at most 3 deep. An inverse list holds at most 100 entries; where there are more, _more has their number (null: not counted), and the list of the referring type, filtered by the field, has them all."),
		"facets":   text("facets", "Counts per value of these fields, under the same filter."),
		"locale":   text("locale", "The language wanted, with the type’s fallbacks; _locale says which was served."),
		"state":    query("state", "Which documents; others than published need the right.", object{"type": "string", "enum": []any{"published", "draft", "trash"}, "default": "published"}),
		"bbox":     text("bbox", "west,south,east,north in degrees."),
		"near":     text("near", "lat,lon,metres."),
		"within":   text("within", "A territory’s code."),
		"geo":      text("geo", "The geo field that bbox, near and within mean."),
		"richtext": query("richtext", "How rich text is delivered.", object{"type": "string", "enum": []any{"html", "text"}}),
		"preview":  text("preview", "A signed preview token, instead of signing in."),
		"redirect": query("redirect", "false answers for a former slug at once, with _redirect.", typed("boolean")),
		"publish":  query("publish", "Publish in the same step.", typed("boolean")),
		"purge":    query("purge", "Delete for good.", typed("boolean")),
		"comment":  text("comment", "What the author says of the change."),
		"diff":     query("diff", "The revision to compare with.", object{"type": "integer", "minimum": 1}),
		"back":     text("back", "A path of this site to come back to."),
		"token":    text("token", "Of the link."),
		"types":    text("types", "Names of types, comma-separated."),
		"since":    query("since", "The position after which.", object{"type": "integer", "minimum": 0}),
		"format":   query("format", "How the file is written: csv for a table, else JSON; of an export, JSON Lines.", object{"type": "string", "enum": []any{"json", "jsonl", "csv"}}),
		"by":       text("by", "Whose doing: user:01j…, token:01j…, system."), "event": text("event", "An event, or the action of a write: sign_in, export, publish."),
		"type": text("type", "The name of a content type."), "entry": text("entry", "About this entry."), "address": text("address", "From this address."),
		"sinceTime": text("since", "At this time or after: 2026-03-29, or 2026-03-29T02:00:00Z."), "until": text("until", "Before this time."),
		"as":      text("as", "Whom it is about: a role, or an account by identifier or address; left out, who asks."),
		"action":  text("action", "An action, as read or publish."),
		"id":      text("id", "The identifier of an entry; left out, the type as a whole."),
		"ifMatch": header("If-Match", "The revision that the write is meant for, \"7\"."), "ifNoneMatch": header("If-None-Match", "ETags that the caller has: 304 if one still holds."),
		"idempotencyKey": header("Idempotency-Key", "Makes a retry safe for 24 h."), "lastEventID": header("Last-Event-ID", "Where a stream resumes."),
		"waitForPosition": header("Wait-For-Position", "A Content-Position that the answer must have seen."),
	}
}

func headers() object {
	say := func(text, kind string) object { return object{"description": text, "schema": typed(kind)} }
	return object{"ETag": say("Names this answer; of a write, the revision.", "string"), "Location": say("Where the new entry is.", "string"),
		"Content-Position": say("The position of the commit.", "integer"), "X-Request-ID": say("Names this request in the log.", "string")}
}

func responses() object {
	out := object{"304": object{"description": "What the caller has still holds."}}
	content := object{"application/problem+json": object{"schema": schemaRef("Problem")}}
	for _, status := range []int{400, 401, 403, 404, 409, 412, 413, 415, 422, 428, 429, 503} {
		out[itoa(int64(status))] = object{"description": titleOf(status)["en"], "content": content}
	}
	out["problem"] = object{"description": titleOf(http.StatusInternalServerError)["en"], "content": content}
	return out
}
