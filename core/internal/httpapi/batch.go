package httpapi

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/palabre-cms/palabre/core"
)

// maxOperations is the most that one batch performs.
const maxOperations = 1000

// batchMembers are the members of one operation, and of the kinds that have them.
var batchMembers = []string{"op", "type", "id", "ifMatch", "data", "publish", "name", "at", "rev", "match", "comment"}

// batch performs several writes as one commit, or with "partial" each for itself.
func batch(s *Server, c *gin.Context) error {
	if err := onlyParams(c.Request); err != nil {
		return err
	}
	if of(c).who.Anonymous() {
		return s.refuseAnonymous(c)
	}
	body, raw, err := s.object(c, s.o.BatchBytes, jsonTypes)
	if err != nil {
		return err
	}
	ops, options, err := batchFrom(body)
	if err != nil {
		return err
	}
	options.RequireMatch = of(c).who.Kind == "user"
	if options.Key, err = idempotencyKey(c.Request, of(c).who, raw); err != nil {
		return err
	}
	res, err := s.commit(c, ops, options)
	if err != nil {
		return atOperation(err)
	}
	reply(c, http.StatusOK, s.results(c, ops, res))
	return nil
}

// refuseAnonymous keeps strangers from sending megabytes: nothing that they may do needs a batch.
func (s *Server) refuseAnonymous(*gin.Context) error {
	return core.Refuse(core.CodeUnauthenticated, "", "A batch needs an API token. Send it as “Authorization: Bearer pal_…”.",
		"Un lot d’opérations demande un jeton d’API. Envoyez-le ainsi : « Authorization: Bearer pal_… ».")
}

func batchFrom(body map[string]any) ([]core.Operation, core.WriteOptions, error) {
	var o core.WriteOptions
	for name, v := range body {
		yes, isBool := v.(bool)
		switch {
		case name == "operations":
		case name == "partial" && isBool:
			o.Partial = yes
		case name == "dryRun" && isBool:
			o.DryRun = yes
		default:
			return nil, o, unknownMember(name, "operations", "partial", "dryRun")
		}
	}
	list, ok := body["operations"].([]any)
	if !ok || len(list) == 0 {
		return nil, o, invalid("/operations", "required", "Give a list of operations.", "Donnez une liste d’opérations.")
	}
	if len(list) > maxOperations {
		return nil, o, core.Refuse(core.CodeTooLarge, "", "A batch has at most 1000 operations.", "Un lot compte au plus 1000 opérations.")
	}
	ops, err := operations(list)
	return ops, o, err
}

func operations(list []any) ([]core.Operation, error) {
	ops := make([]core.Operation, len(list))
	for i, item := range list {
		at := "/operations/" + strconv.Itoa(i)
		m, ok := item.(map[string]any)
		if !ok {
			return nil, invalid(at, "type", "An operation is an object.", "Une opération est un objet.")
		}
		if err := operation(&ops[i], m, at); err != nil {
			return nil, with(err, "operation", i)
		}
	}
	return ops, nil
}

func operation(op *core.Operation, m map[string]any, at string) error {
	for name, v := range m {
		if err := setMember(op, name, v, at); err != nil {
			return err
		}
	}
	if !knownOperation(op.Op) {
		return invalid(at+"/op", "enum", "“op” is create, update, replace, upsert, transition, delete, purge or restore.",
			"« op » vaut create, update, replace, upsert, transition, delete, purge ou restore.")
	}
	if op.Type == "" {
		return invalid(at+"/type", "required", "Name the content type.", "Indiquez le type de contenu.")
	}
	if op.ID == "" && op.Op != core.OperationCreate && op.Op != core.OperationUpsert {
		return invalid(at+"/id", "required", "Name the entry.", "Indiquez le contenu.")
	}
	return takeReserved(op, at+"/data")
}

func knownOperation(k core.OperationKind) bool {
	switch k {
	case core.OperationCreate, core.OperationUpdate, core.OperationReplace, core.OperationUpsert, core.OperationTransition,
		core.OperationDelete, core.OperationPurge, core.OperationRestore:
		return true
	}
	return false
}

// setMember reads one member of an operation.
func setMember(op *core.Operation, name string, v any, at string) error {
	text, isText := v.(string)
	ok := isText
	switch name {
	case "op":
		op.Op = core.OperationKind(text)
	case "type":
		op.Type = core.TypeName(text)
	case "id":
		op.ID, ok = core.EntryID(text), isText && core.ValidID(text)
	case "name":
		op.Transition = text
	case "match":
		op.Match = text
	case "at", "comment":
		return moveFrom(op, map[string]any{name: v})
	case "publish":
		op.Publish, ok = v.(bool)
	case "data":
		op.Data, ok = v.(map[string]any)
	case "ifMatch":
		op.IfMatch, ok = whole(v)
	case "rev":
		op.Rev, ok = whole(v)
	default:
		return unknownMember(name, batchMembers...)
	}
	if !ok {
		return invalid(at+pointer(name), "type", "This is not what “"+name+"” can be.", "« "+name+" » ne peut pas avoir cette valeur.")
	}
	return nil
}

// whole reads a revision: 7, or "7" as in If-Match.
func whole(v any) (int64, bool) {
	text, _ := v.(string)
	if n, ok := v.(json.Number); ok {
		text = n.String()
	}
	n, err := strconv.ParseInt(strings.Trim(text, `"`), 10, 64)
	return n, err == nil && n > 0
}

// atOperation makes the pointers of a failed validation lead into the batch's body.
func atOperation(err error) error {
	e, ok := core.AsError(err)
	if !ok {
		return err
	}
	i, ok := e.Extra["operation"].(int)
	if !ok || len(e.Fields) == 0 {
		return err
	}
	moved := *e
	moved.Fields = make([]core.FieldError, len(e.Fields))
	for k, f := range e.Fields {
		f.Pointer = "/operations/" + strconv.Itoa(i) + "/data" + f.Pointer
		moved.Fields[k] = f
	}
	return &moved
}

// batchResult is what became of one operation.
type batchResult struct {
	Op      core.OperationKind `json:"op"`
	Type    core.TypeName      `json:"type"`
	ID      core.EntryID       `json:"id,omitempty"`
	Rev     int64              `json:"rev,omitempty"`
	Created bool               `json:"created,omitempty"`
	Changed bool               `json:"changed"`
	Entry   json.RawMessage    `json:"entry,omitempty"`
	Error   json.RawMessage    `json:"error,omitempty"`
}

func (s *Server) results(c *gin.Context, ops []core.Operation, res *core.Result) []byte {
	out := make([]batchResult, len(res.Items))
	for i, item := range res.Items {
		out[i] = s.result(c, ops[i], item, i)
	}
	return mustJSON(map[string]any{"results": out})
}

func (s *Server) result(c *gin.Context, op core.Operation, item core.ResultItem, i int) batchResult {
	r := batchResult{Op: op.Op, Type: op.Type, ID: either(item.ID, op.ID), Created: item.Created, Changed: item.Changed}
	if item.Err != nil {
		err := atOperation(with(item.Err, "operation", i))
		r.Error = s.problemOf(of(c), c.Request, err).json(c.Request, of(c).id)
		return r
	}
	if item.Entry != nil {
		r.Rev = item.Entry.Rev
		if op.Op != core.OperationDelete {
			r.Entry = withWarnings(s.shown(c, item.Entry, &written{op: op}), item.Warnings, languageOf(c.Request.Header))
		}
	}
	return r
}
