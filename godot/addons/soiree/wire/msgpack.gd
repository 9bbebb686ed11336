extends RefCounted
## MessagePack, small and strict: every length is checked before it is believed, and nothing nests
## deeper than 16.
##
## Nothing here raises: [method encode] gives no bytes, and [method decode] a reader with a
## [member Reader.failure], for what cannot be said or read. Unsigned integers beyond int64 are read
## as floats. Extensions become [Extension].

const MAX_DEPTH := 16


## An application's own type, carried unread.
class SoireeExtension:
	extends RefCounted
	var type := 0
	var data := PackedByteArray()

	func _init(of_type: int, with_data: PackedByteArray) -> void:
		type = of_type
		data = with_data


## What [method decode] has read.
class SoireeReader:
	extends RefCounted
	## What was read, if [member failure] is empty.
	var value: Variant = null
	## Why it cannot be read.
	var failure := ""
	var _stream := StreamPeerBuffer.new()

	func _init(bytes: PackedByteArray) -> void:
		_stream.big_endian = true
		_stream.data_array = bytes
		value = _value(0)
		if not failure and _stream.get_available_bytes():
			failure = "%d bytes after the value" % _stream.get_available_bytes()

	func _has(count: int) -> bool:
		if not failure and count > _stream.get_available_bytes():
			failure = "truncated"
		return not failure

	func _value(depth: int) -> Variant:
		if not _has(1):
			return null
		var tag := _stream.get_u8()
		if tag < 0x80:
			return tag
		if tag < 0x90:
			return _map(tag & 15, depth + 1)
		if tag < 0xa0:
			return _array(tag & 15, depth + 1)
		if tag < 0xc0:
			return _string(tag & 31)
		if tag >= 0xe0:
			return tag - 0x100
		if tag >= 0xca and tag <= 0xd3:
			return _number(tag)
		return _tagged(tag, depth)

	func _number(tag: int) -> Variant:
		# Float 32 and 64, then unsigned and signed integers of 8 to 64 bits.
		if not _has([4, 8, 1, 2, 4, 8, 1, 2, 4, 8][tag - 0xca]):
			return null
		match tag:
			0xca:
				return _stream.get_float()
			0xcb:
				return _stream.get_double()
			0xcc:
				return _stream.get_u8()
			0xcd:
				return _stream.get_u16()
			0xce:
				return _stream.get_u32()
			0xcf:
				var wide := _stream.get_64()
				return wide if wide >= 0 else float(wide) + 18446744073709551616.0
			0xd0:
				return _stream.get_8()
			0xd1:
				return _stream.get_16()
			0xd2:
				return _stream.get_32()
		return _stream.get_64()

	func _tagged(tag: int, depth: int) -> Variant:
		match tag:
			0xc0:
				return null
			0xc2:
				return false
			0xc3:
				return true
			0xc4, 0xc5, 0xc6:
				return _binary(_unsigned(tag - 0xc4))
			0xc7, 0xc8, 0xc9:
				return _extension(_unsigned(tag - 0xc7))
			0xd4, 0xd5, 0xd6, 0xd7, 0xd8:
				return _extension(1 << (tag - 0xd4))
			0xd9, 0xda, 0xdb:
				return _string(_unsigned(tag - 0xd9))
			0xdc, 0xdd:
				return _array(_unsigned(tag - 0xdb), depth + 1)
			0xde, 0xdf:
				return _map(_unsigned(tag - 0xdd), depth + 1)
		failure = "0xc1 is no MessagePack"
		return null

	# Of 1, 2 or 4 bytes, by the exponent.
	func _unsigned(exponent: int) -> int:
		if not _has(1 << exponent):
			return 0
		match exponent:
			0:
				return _stream.get_u8()
			1:
				return _stream.get_u16()
		return _stream.get_u32()

	func _binary(length: int) -> PackedByteArray:
		if length == 0 or not _has(length):
			return PackedByteArray()
		return _stream.get_data(length)[1]

	func _extension(length: int) -> Variant:
		if not _has(1):
			return null
		var type := _stream.get_8()
		return SoireeExtension.new(type, _binary(length))

	func _string(length: int) -> String:
		var bytes := _binary(length)
		var text := bytes.get_string_from_utf8()
		# The engine's strings hold no NUL; everything else comes back as it was if it was UTF-8.
		if text.to_utf8_buffer() != bytes and not bytes.has(0):
			failure = "a string that is not UTF-8"
		return text

	func _open(count: int, depth: int) -> bool:
		if depth > MAX_DEPTH:
			failure = "nested deeper than %d" % MAX_DEPTH
		return _has(count)

	func _array(count: int, depth: int) -> Array:
		var items := []
		if not _open(count, depth):
			return items
		items.resize(count)
		for i in count:
			items[i] = _value(depth)
			if failure:
				break
		return items

	func _map(count: int, depth: int) -> Dictionary:
		var entries := {}
		if not _open(2 * count, depth):
			return entries
		for i in count:
			var key: Variant = _value(depth)
			entries[key] = _value(depth)
			if failure:
				break
		return entries


class SoireeWriter:
	extends RefCounted
	## Why a value cannot be sent.
	var failure := ""
	var stream := StreamPeerBuffer.new()

	func _init() -> void:
		stream.big_endian = true

	func value(it: Variant, depth: int) -> void:
		match typeof(it):
			TYPE_NIL:
				stream.put_u8(0xc0)
			TYPE_BOOL:
				stream.put_u8(0xc3 if it else 0xc2)
			TYPE_INT:
				_integer(it)
			TYPE_FLOAT:
				stream.put_u8(0xcb)
				stream.put_double(it)
			TYPE_STRING, TYPE_STRING_NAME, TYPE_NODE_PATH:
				_string(str(it).to_utf8_buffer())
			TYPE_PACKED_BYTE_ARRAY:
				_length(it.size(), 0xc4)
				stream.put_data(it)
			TYPE_DICTIONARY:
				_map(it, depth + 1)
			TYPE_OBJECT:
				_extension(it)
			_:
				_array(it, depth + 1)

	func _integer(it: int) -> void:
		if it >= 0:
			_unsigned(it)
		elif it >= -0x20:
			stream.put_u8(it & 0xff)
		elif it >= -0x80:
			stream.put_u8(0xd0)
			stream.put_8(it)
		elif it >= -0x8000:
			stream.put_u8(0xd1)
			stream.put_16(it)
		elif it >= -0x80000000:
			stream.put_u8(0xd2)
			stream.put_32(it)
		else:
			stream.put_u8(0xd3)
			stream.put_64(it)

	func _unsigned(it: int) -> void:
		if it < 0x80:
			stream.put_u8(it)
		elif it < 0x100000000:
			_length(it, 0xcc)
		else:
			stream.put_u8(0xcf)
			stream.put_64(it)

	# A number behind the first of three tags that fits it, as 8, 16 or 32 bits.
	func _length(it: int, tag8: int) -> void:
		if it < 0x100:
			stream.put_u8(tag8)
			stream.put_u8(it)
		elif it < 0x10000:
			stream.put_u8(tag8 + 1)
			stream.put_u16(it)
		else:
			stream.put_u8(tag8 + 2)
			stream.put_u32(it)

	func _string(utf8: PackedByteArray) -> void:
		if utf8.size() < 32:
			stream.put_u8(0xa0 | utf8.size())
		else:
			_length(utf8.size(), 0xd9)
		stream.put_data(utf8)

	func _count(count: int, few: int, tag16: int) -> void:
		if count < 16:
			stream.put_u8(few | count)
		elif count < 0x10000:
			stream.put_u8(tag16)
			stream.put_u16(count)
		else:
			stream.put_u8(tag16 + 1)
			stream.put_u32(count)

	func _array(it: Variant, depth: int) -> void:
		if typeof(it) < TYPE_ARRAY:
			failure = "a %s cannot be sent" % type_string(typeof(it))
		elif depth > MAX_DEPTH:
			failure = "nested deeper than %d" % MAX_DEPTH
		else:
			_count(it.size(), 0x90, 0xdc)
			for item: Variant in it:
				value(item, depth)

	func _map(it: Dictionary, depth: int) -> void:
		if depth > MAX_DEPTH:
			failure = "nested deeper than %d" % MAX_DEPTH
			return
		_count(it.size(), 0x80, 0xde)
		for key: Variant in it:
			value(key, depth)
			value(it[key], depth)

	func _extension(it: Object) -> void:
		if not it is SoireeExtension:
			failure = "an object cannot be sent"
			return
		var size: int = it.data.size()
		var fixed := [1, 2, 4, 8, 16].find(size)
		if fixed >= 0:
			stream.put_u8(0xd4 + fixed)
		else:
			_length(size, 0xc7)
		stream.put_8(it.type)
		stream.put_data(it.data)


## The bytes of a value: null, bool, int, float, text, [PackedByteArray], arrays, dictionaries and
## [Extension]; none for anything else.
static func encode(value: Variant) -> PackedByteArray:
	var writer := SoireeWriter.new()
	writer.value(value, 0)
	return PackedByteArray() if writer.failure else writer.stream.data_array


## Reads exactly one value.
static func decode(bytes: PackedByteArray) -> SoireeReader:
	return SoireeReader.new(bytes)
