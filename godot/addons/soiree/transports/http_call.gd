extends RefCounted
## One POST of JSON, polled: works without a scene tree, on every platform.

const TIMEOUT_S := 10.0
const MAX_ANSWER_BYTES := 1 << 20

## Whether [member status] and [member answer] are there.
var done := false
## HTTP status, 0 when there was no answer.
var status := 0
## The decoded JSON, null if there was none.
var answer: Variant = null
## Why there was no answer.
var failure := ""

var _http := HTTPClient.new()
var _path := "/"
var _body := ""
var _headers: PackedStringArray = []
var _asked := false
var _read := PackedByteArray()
var _deadline := INF


func _init(url: String, body: Dictionary, headers: PackedStringArray) -> void:
	_body = JSON.stringify(body)
	_headers = headers + PackedStringArray(["Content-Type: application/json"])
	var found := RegEx.create_from_string("^(https?)://(\\[[^\\]]+\\]|[^:/]+)(?::(\\d+))?(/.*)?$").search(url)
	if not found:
		_fail("%s is no address" % url)
		return
	_path = found.get_string(4) if found.get_string(4) else "/"
	var secure := found.get_string(1) == "https"
	var port := int(found.get_string(3)) if found.get_string(3) else (443 if secure else 80)
	var host := found.get_string(2).trim_prefix("[").trim_suffix("]")
	if _http.connect_to_host(host, port, TLSOptions.client() if secure else null):
		_fail("cannot connect to %s" % host)


func poll(now: float) -> void:
	if done:
		return
	if _deadline == INF:
		_deadline = now + TIMEOUT_S
	elif now > _deadline:
		_fail("no answer within %d s" % TIMEOUT_S)
		return
	_http.poll()
	match _http.get_status():
		HTTPClient.STATUS_RESOLVING, HTTPClient.STATUS_CONNECTING, HTTPClient.STATUS_REQUESTING:
			pass
		HTTPClient.STATUS_CONNECTED:
			if not _asked:
				_asked = true
				_http.request(HTTPClient.METHOD_POST, _path, _headers, _body)
			else:
				_finish()
		HTTPClient.STATUS_BODY:
			_read_body()
		_:
			if _asked and _http.has_response():
				_finish()
			else:
				_fail("the connection failed")


func _read_body() -> void:
	while _http.get_status() == HTTPClient.STATUS_BODY:
		var chunk := _http.read_response_body_chunk()
		if chunk.is_empty():
			break
		_read.append_array(chunk)
		if _read.size() > MAX_ANSWER_BYTES:
			_fail("the answer is too long")
			return
	if _http.get_status() != HTTPClient.STATUS_BODY:
		_finish()


func _finish() -> void:
	done = true
	status = _http.get_response_code()
	var json := JSON.new()
	if json.parse(_read.get_string_from_utf8()) == OK:
		answer = json.data
	_http.close()


func _fail(words: String) -> void:
	done = true
	failure = words
	_http.close()
