// SPDX-License-Identifier: Apache-2.0
#include "convert.h"

#include <cstdio>
#include <cstring>

#include <errno.h>

const char *errnoName(int errnum)
{
	const char *name = strerrorname_np(errnum);
	return name == nullptr ? "EUNKNOWN" : name;
}

namespace
{

Napi::Object object(const Napi::Object &from, const char *key)
{
	Napi::Value value = from.Get(key);
	if (!value.IsObject())
		throw Napi::TypeError::New(from.Env(), std::string(key) + " is not an object");
	return value.As<Napi::Object>();
}

Napi::Array array(const Napi::Object &from, const char *key)
{
	Napi::Value value = from.Get(key);
	if (!value.IsArray())
		throw Napi::TypeError::New(from.Env(), std::string(key) + " is not an array");
	return value.As<Napi::Array>();
}

uint32_t number(const Napi::Object &from, const char *key)
{
	Napi::Value value = from.Get(key);
	if (!value.IsNumber())
		throw Napi::TypeError::New(from.Env(), std::string(key) + " is not a number");
	return value.As<Napi::Number>().Uint32Value();
}

bool flag(const Napi::Object &from, const char *key)
{
	Napi::Value value = from.Get(key);
	if (!value.IsBoolean())
		throw Napi::TypeError::New(from.Env(), std::string(key) + " is not true or false");
	return value.As<Napi::Boolean>().Value();
}

std::string text(const Napi::Object &from, const char *key)
{
	Napi::Value value = from.Get(key);
	if (!value.IsString())
		throw Napi::TypeError::New(from.Env(), std::string(key) + " is not a string");
	return value.As<Napi::String>().Utf8Value();
}

template <size_t N> void copyText(char (&to)[N], const Napi::Object &from, const char *key)
{
	std::string value = text(from, key);
	if (value.size() >= N)
		throw Napi::RangeError::New(from.Env(),
					    std::string(key) + " is longer than " + std::to_string(N - 1) + " bytes");
	std::memcpy(to, value.c_str(), value.size() + 1);
}

// The place of `value` among `names`, which stand in the order of the C enum.
template <size_t N> int choice(const Napi::Object &from, const char *key, const char *const (&names)[N])
{
	std::string value = text(from, key);
	for (size_t i = 0; i < N; i++)
		if (value == names[i])
			return static_cast<int>(i);
	throw Napi::RangeError::New(from.Env(), std::string(key) + " is \"" + value + "\"");
}

const char *const modes[] = {"io", "mac", "macswap", "rxonly", "txonly", "icmpecho"};
const char *const backends[] = {"none", "tap", "vhost-net", "vhost-user"};
const char *const verdicts[] = {"forward", "kernel", "drop"};
const char *const classes[] = {"control", "local", "other"};

dp_limit limitFromJs(const Napi::Object &from, const char *key)
{
	Napi::Value value = from.Get(key);
	if (value.IsNull())
		return {};
	Napi::Object limit = object(from, key);
	return {number(limit, "pps"), number(limit, "burst")};
}

void vlansFromJs(const Napi::Object &from, dp_vlans &vlans)
{
	Napi::Array ids = array(from, "vlans");
	for (uint32_t i = 0; i < ids.Length(); i++) {
		uint32_t id = ids.Get(i).ToNumber().Uint32Value();
		if (id >= DP_VLAN_IDS)
			throw Napi::RangeError::New(from.Env(), "vlans is out of range");
		vlans.bits[id / 64] |= UINT64_C(1) << (id % 64);
	}
}

dp_port_plan portFromJs(const Napi::Object &from)
{
	dp_port_plan port{};
	copyText(port.name, from, "name");
	copyText(port.devargs, from, "devargs");
	port.queues = static_cast<uint16_t>(number(from, "queues"));
	port.rx_descriptors = static_cast<uint16_t>(number(from, "rxDescriptors"));
	port.tx_descriptors = static_cast<uint16_t>(number(from, "txDescriptors"));
	port.mtu = static_cast<uint16_t>(number(from, "mtuBytes"));
	port.follow_mtu = flag(from, "followMtu");
	vlansFromJs(from, port.vlans);
	Napi::Object offloads = object(from, "offloads");
	port.tap_offloads = offloads.Get("tap").ToBoolean();
	port.tso = offloads.Get("tso").ToBoolean();
	port.rx_checksum = offloads.Get("rxChecksum").ToBoolean();
	port.peer = static_cast<uint16_t>(number(from, "peer"));
	if (!from.Get("ethPeer").IsNull()) {
		unsigned b[6];
		std::string mac = text(from, "ethPeer");
		if (std::sscanf(mac.c_str(), "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
			throw Napi::RangeError::New(from.Env(), "ethPeer is not a MAC address");
		port.has_eth_peer = true;
		for (int i = 0; i < 6; i++)
			port.eth_peer[i] = static_cast<uint8_t>(b[i]);
	} else {
		// testpmd's default peer of port N
		const uint8_t otherwise[6] = {0x02, 0, 0, 0, 0, 0};
		std::memcpy(port.eth_peer, otherwise, sizeof(otherwise));
	}
	Napi::Object exception = object(from, "exception");
	port.exception.backend = static_cast<dp_backend>(choice(exception, "backend", backends));
	copyText(port.exception.tap, exception, "tap");
	port.exception.queues = static_cast<uint16_t>(number(exception, "queues"));
	port.exception.queue_size = static_cast<uint16_t>(number(exception, "queueSize"));
	copyText(port.exception.socket, exception, "socket");
	port.exception.server = exception.Get("server").ToBoolean();
	if (port.exception.queues < 1 || port.exception.queues > DP_MAX_EXCEPTION_THREADS)
		throw Napi::RangeError::New(from.Env(), "exception.queues is out of range");
	return port;
}

dp_vhost_plan vhostFromJs(const Napi::Object &from)
{
	dp_vhost_plan vhost{};
	Napi::Array cpus = array(object(from, "vhost"), "cpus");
	if (cpus.Length() > DP_MAX_VHOST_CPUS)
		throw Napi::RangeError::New(from.Env(), "more than " + std::to_string(DP_MAX_VHOST_CPUS) + " CPUs");
	for (uint32_t i = 0; i < cpus.Length(); i++) {
		uint32_t cpu = cpus.Get(i).ToNumber().Uint32Value();
		if (cpu > DP_MAX_CPU_ID)
			throw Napi::RangeError::New(from.Env(), "no CPU has the id " + std::to_string(cpu));
		vhost.cpus[vhost.n_cpus++] = static_cast<uint16_t>(cpu);
	}
	vhost.pin_each = text(object(from, "cpus"), "pinning") == "each";
	return vhost;
}

std::string macToText(const uint8_t mac[6])
{
	char out[18];
	std::snprintf(out, sizeof(out), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		      mac[5]);
	return out;
}

// "port=vf0,lcore=1" -> { port: 'vf0', lcore: '1' }. Values are names and numbers: they hold no comma.
Napi::Object labelsToJs(Napi::Env env, const char *labels)
{
	Napi::Object out = Napi::Object::New(env);
	std::string rest(labels);
	while (!rest.empty()) {
		size_t comma = rest.find(',');
		std::string pair = rest.substr(0, comma);
		size_t equals = pair.find('=');
		out.Set(pair.substr(0, equals), pair.substr(equals + 1));
		rest = comma == std::string::npos ? "" : rest.substr(comma + 1);
	}
	return out;
}

std::vector<std::string> portNames(const dp_info &info)
{
	std::vector<std::string> names;
	for (unsigned p = 0; p < info.n_ports; p++)
		names.emplace_back(info.ports[p].name);
	return names;
}

Napi::Object vhostWorkerToJs(Napi::Env env, unsigned queue, const dp_vhost_worker_info &worker)
{
	Napi::Object out = Napi::Object::New(env);
	out.Set("queue", queue);
	out.Set("tid", worker.tid);
	out.Set("name", worker.name);
	out.Set("cpus", worker.cpus);
	out.Set("placeError",
		worker.place_errnum == 0 ? env.Null() : Napi::String::New(env, errnoName(worker.place_errnum)));
	return out;
}

Napi::Object portToJs(Napi::Env env, const dp_port_info &port)
{
	Napi::Object out = Napi::Object::New(env);
	out.Set("name", port.name);
	out.Set("device", port.device);
	out.Set("driver", port.driver);
	out.Set("mac", macToText(port.mac));
	out.Set("mtuBytes", port.mtu);
	out.Set("numaNode", port.numa_node);
	out.Set("rxQueues", port.rx_queues);
	out.Set("txQueues", port.tx_queues);
	out.Set("linkUp", port.link_up);
	Napi::Object offloads = Napi::Object::New(env);
	offloads.Set("tso", port.tso);
	offloads.Set("rxChecksum", port.rx_checksum);
	out.Set("offloads", offloads);
	Napi::Object exception = Napi::Object::New(env);
	exception.Set("backend", backends[port.backend]);
	exception.Set("tap", port.tap);
	exception.Set("queues", port.exception_queues);
	Napi::Array workers = Napi::Array::New(env);
	for (unsigned q = 0; q < port.n_vhost_workers; q++)
		workers.Set(q, vhostWorkerToJs(env, q, port.vhost_workers[q]));
	exception.Set("vhostWorkers", workers);
	out.Set("exception", exception);
	return out;
}

Napi::Object lcoreToJs(Napi::Env env, const dp_lcore_info &lcore, const std::vector<std::string> &names)
{
	Napi::Object out = Napi::Object::New(env);
	Napi::Array rxqs = Napi::Array::New(env);
	for (size_t p = 0; p < names.size(); p++)
		if (lcore.rx_ports & (UINT64_C(1) << p))
			rxqs.Set(rxqs.Length(), names[p] + ":" + std::to_string(lcore.queue_id));
	out.Set("lcoreId", lcore.lcore_id);
	out.Set("cpuId", lcore.cpu_id);
	out.Set("rxqs", rxqs);
	return out;
}

const char *const mtuLimits[] = {"free", "plan", "device", "mbuf", "refused"};

Napi::Value errorName(Napi::Env env, int errnum)
{
	return errnum == 0 ? env.Null() : Napi::Value(Napi::String::New(env, errnoName(errnum)));
}

// One kind of filter: how many were told, how many of them refused, which ones first, and why.
Napi::Object filterToJs(Napi::Env env, unsigned told, unsigned refused, Napi::Array first, int errnum)
{
	Napi::Object out = Napi::Object::New(env);
	out.Set("told", told);
	out.Set("refused", refused);
	out.Set("first", first);
	out.Set("error", errorName(env, errnum));
	return out;
}

} // namespace

std::unique_ptr<PlanCopy> planFromJs(const Napi::Object &from)
{
	auto copy = std::make_unique<PlanCopy>();
	dp_plan &plan = copy->plan;

	Napi::Array args = array(from, "ealArgs");
	for (uint32_t i = 0; i < args.Length(); i++)
		copy->ealArgs.push_back(args.Get(i).ToString().Utf8Value());
	for (std::string &arg : copy->ealArgs)
		copy->ealArgPointers.push_back(arg.data());
	plan.n_eal_args = static_cast<unsigned>(copy->ealArgPointers.size());
	plan.eal_args = copy->ealArgPointers.data();

	Napi::Array lcores = array(from, "lcores");
	if (lcores.Length() > DP_MAX_LCORES)
		throw Napi::RangeError::New(from.Env(), "more than " + std::to_string(DP_MAX_LCORES) + " lcores");
	plan.n_lcores = lcores.Length();
	for (uint32_t i = 0; i < plan.n_lcores; i++)
		plan.lcore_ids[i] = number(lcores.Get(i).As<Napi::Object>(), "lcoreId");

	plan.sleep_when_idle = text(from, "idle") == "ramp";
	uint32_t burst = number(from, "burst");
	if (burst < 1 || burst > DP_MAX_BURST)
		throw Napi::RangeError::New(from.Env(), "burst is out of range");
	plan.burst = static_cast<uint16_t>(burst);

	Napi::Object memory = object(from, "memory");
	plan.mbufs = number(memory, "mbufs");
	plan.mbuf_cache = number(memory, "mbufCache");
	plan.data_room = static_cast<uint16_t>(number(memory, "dataRoomBytes"));
	if (memory.Get("prefill").IsTypedArray()) {
		auto frame = memory.Get("prefill").As<Napi::Uint8Array>();
		if (frame.ByteLength() > 1514)
			throw Napi::RangeError::New(from.Env(), "prefill is longer than a frame");
		copy->prefill.assign(frame.Data(), frame.Data() + frame.ByteLength());
		plan.prefill = copy->prefill.data();
		plan.prefill_len = static_cast<uint16_t>(copy->prefill.size());
	}
	plan.mode = static_cast<dp_mode>(choice(object(from, "forwarding"), "mode", modes));

	Napi::Array ports = array(from, "ports");
	if (ports.Length() < 1 || ports.Length() > DP_MAX_PORTS)
		throw Napi::RangeError::New(from.Env(), "need 1 to " + std::to_string(DP_MAX_PORTS) + " ports");
	plan.n_ports = ports.Length();
	for (uint32_t p = 0; p < plan.n_ports; p++) {
		plan.ports[p] = portFromJs(ports.Get(p).As<Napi::Object>());
		if (plan.ports[p].peer >= plan.n_ports)
			throw Napi::RangeError::New(from.Env(), "peer is not a port");
		if (!plan.ports[p].has_eth_peer)
			plan.ports[p].eth_peer[5] = static_cast<uint8_t>(p);
	}
	plan.exception_limit = limitFromJs(object(from, "exceptionPath"), "limit");
	plan.vhost = vhostFromJs(from);
	return copy;
}

std::unique_ptr<RulesCopy> rulesFromJs(const Napi::Array &from)
{
	auto copy = std::make_unique<RulesCopy>();
	uint32_t n = from.Length();
	copy->names.reserve(n);
	copy->matches.reserve(n);
	copy->matchPointers.reserve(n);
	for (uint32_t i = 0; i < n; i++) {
		Napi::Object rule = from.Get(i).As<Napi::Object>();
		copy->names.push_back(text(rule, "name"));
		Napi::Array match = array(rule, "match");
		auto &texts = copy->matches.emplace_back();
		for (uint32_t m = 0; m < match.Length(); m++)
			texts.push_back(match.Get(m).ToString().Utf8Value());
		auto &pointers = copy->matchPointers.emplace_back();
		for (const std::string &expression : texts)
			pointers.push_back(expression.c_str());
		copy->rules.push_back({
			copy->names.back().c_str(),
			pointers.data(),
			static_cast<unsigned>(pointers.size()),
			static_cast<dp_verdict>(choice(rule, "verdict", verdicts)),
			static_cast<dp_class>(choice(rule, "class", classes)),
			limitFromJs(rule, "limit"),
		});
	}
	return copy;
}

namespace
{

const char *const capturePoints[] = {"received", "forwarded", "punted", "injected", "dropped"};

// The bits of those of `names` that the array `key` lists.
template <typename Names> uint64_t bitsFromJs(const Napi::Object &from, const char *key, const Names &names, size_t n)
{
	Napi::Array listed = array(from, key);
	uint64_t bits = 0;
	for (uint32_t i = 0; i < listed.Length(); i++) {
		std::string name = listed.Get(i).ToString().Utf8Value();
		size_t at = 0;
		while (at < n && name != names[at])
			at++;
		if (at == n)
			throw Napi::RangeError::New(from.Env(), std::string(key) + " has \"" + name + "\"");
		bits |= UINT64_C(1) << at;
	}
	return bits;
}

} // namespace

dp_capture_plan captureFromJs(const Napi::Object &from, const std::vector<std::string> &portNames)
{
	dp_capture_plan plan{};
	unsigned reasons;
	const char *const *reasonNames = dp_drop_reasons(&reasons);
	plan.ports = static_cast<uint32_t>(bitsFromJs(from, "ports", portNames, portNames.size()));
	plan.points = static_cast<uint32_t>(bitsFromJs(from, "points", capturePoints, DP_CAPTURE_POINTS));
	plan.reasons = bitsFromJs(from, "reasons", reasonNames, reasons);
	plan.snaplen = number(from, "snaplen");
	plan.sample = number(from, "sample");
	plan.pps = number(from, "pps");
	plan.count = number(from, "count");
	plan.duration_ms = number(from, "durationMs");
	copyText(plan.socket, from, "socket");
	if (plan.snaplen > DP_CAPTURE_MAX_SNAPLEN || plan.sample == 0)
		throw Napi::RangeError::New(from.Env(), "snaplen or sample is out of range");
	return plan;
}

Napi::Object captureResultToJs(Napi::Env env, const dp_capture_result &result)
{
	Napi::Object out = Napi::Object::New(env);
	out.Set("passed", static_cast<double>(result.passed));
	out.Set("matched", static_cast<double>(result.matched));
	out.Set("skipped", static_cast<double>(result.skipped));
	out.Set("missed", static_cast<double>(result.missed));
	out.Set("written", static_cast<double>(result.written));
	out.Set("cycles", static_cast<double>(result.cycles));
	out.Set("error", errorName(env, result.errnum));
	return out;
}

std::vector<StartCopy::Addresses> copyAddresses()
{
	std::vector<StartCopy::Addresses> out;
	unsigned n;
	const dp_addresses *addresses = dp_get_addresses(&n);
	for (unsigned i = 0; i < n; i++) {
		StartCopy::Addresses entry{addresses[i].port, addresses[i].tap, {}};
		for (unsigned a = 0; a < addresses[i].n; a++)
			entry.text.emplace_back(addresses[i].text[a]);
		out.push_back(std::move(entry));
	}
	return out;
}

StartCopy::Layout copyLayout()
{
	dp_layout layout = dp_get_layout();
	return {layout.generation, std::vector<dp_slot>(layout.slots, layout.slots + layout.n_slots)};
}

StartCopy copyStart()
{
	StartCopy copy;
	dp_get_info(&copy.info);
	copy.addresses = copyAddresses();
	copy.layout = copyLayout();
	return copy;
}

Napi::Value layoutToJs(Napi::Env env, const StartCopy::Layout &layout)
{
	Napi::Array slots = Napi::Array::New(env, layout.slots.size());
	for (size_t i = 0; i < layout.slots.size(); i++) {
		const dp_slot &slot = layout.slots[i];
		Napi::Object entry = Napi::Object::New(env);
		entry.Set("name", slot.name);
		entry.Set("labels", labelsToJs(env, slot.labels));
		entry.Set("index", slot.index);
		entry.Set("kind", slot.gauge ? "gauge" : "counter");
		slots.Set(static_cast<uint32_t>(i), entry);
	}
	Napi::Object out = Napi::Object::New(env);
	out.Set("generation", layout.generation);
	out.Set("slots", slots);
	return out;
}

Napi::Value addressesToJs(Napi::Env env, const std::vector<StartCopy::Addresses> &addresses,
			  const std::vector<std::string> &names)
{
	Napi::Array out = Napi::Array::New(env, addresses.size());
	for (size_t i = 0; i < addresses.size(); i++) {
		Napi::Array text = Napi::Array::New(env, addresses[i].text.size());
		for (size_t a = 0; a < addresses[i].text.size(); a++)
			text.Set(static_cast<uint32_t>(a), addresses[i].text[a]);
		Napi::Object entry = Napi::Object::New(env);
		entry.Set("port", names.at(addresses[i].port));
		entry.Set("tap", addresses[i].tap);
		entry.Set("addresses", text);
		out.Set(static_cast<uint32_t>(i), entry);
	}
	return out;
}

void setFilters(Napi::Object out, const dp_filters &filters)
{
	Napi::Env env = out.Env();
	Napi::Object multicast = Napi::Object::New(env);
	multicast.Set("groups", filters.groups);
	multicast.Set("all", filters.all_multicast);
	multicast.Set("error", errorName(env, filters.groups_errnum));
	out.Set("multicast", multicast);
	Napi::Array vlans = Napi::Array::New(env), macs = Napi::Array::New(env);
	for (uint32_t i = 0; i < DP_MAX_SHOWN && i < filters.vlans_refused; i++)
		vlans.Set(i, Napi::Number::New(env, filters.refused_vlans[i]));
	for (uint32_t i = 0; i < DP_MAX_SHOWN && i < filters.unicast_refused; i++)
		macs.Set(i, macToText(filters.refused_unicast[i]));
	out.Set("vlans", filterToJs(env, filters.vlans, filters.vlans_refused, vlans, filters.vlans_errnum));
	out.Set("unicast", filterToJs(env, filters.unicast, filters.unicast_refused, macs, filters.unicast_errnum));
}

void setMtu(Napi::Object out, const dp_mtu &mtu)
{
	out.Set("mtuBytes", mtu.port);
	out.Set("tapMtuBytes", mtu.tap);
	out.Set("limit", mtuLimits[mtu.limit]);
	out.Set("mostBytes", mtu.most);
	out.Set("error", errorName(out.Env(), mtu.errnum));
}

Napi::Value startToJs(Napi::Env env, const StartCopy &start)
{
	std::vector<std::string> names = portNames(start.info);
	Napi::Array ports = Napi::Array::New(env), lcores = Napi::Array::New(env);
	for (unsigned p = 0; p < start.info.n_ports; p++)
		ports.Set(p, portToJs(env, start.info.ports[p]));
	for (unsigned i = 0; i < start.info.n_lcores; i++)
		lcores.Set(i, lcoreToJs(env, start.info.lcores[i], names));
	Napi::Object out = Napi::Object::New(env);
	out.Set("dpdkVersion", dp_version());
	out.Set("tscHz", static_cast<double>(start.info.tsc_hz));
	out.Set("layout", layoutToJs(env, start.layout));
	out.Set("ports", ports);
	out.Set("lcores", lcores);
	out.Set("addresses", addressesToJs(env, start.addresses, names));
	return out;
}

Napi::Error errorToJs(Napi::Env env, const dp_error &from)
{
	std::string message = std::string(from.call) + " failed for " + from.subject + ": " + from.message;
	Napi::Error error = Napi::Error::New(env, message);
	error.Set("errno", Napi::Number::New(env, from.errnum));
	error.Set("code", Napi::String::New(env, errnoName(from.errnum)));
	error.Set("call", Napi::String::New(env, from.call));
	error.Set("subject", Napi::String::New(env, from.subject));
	error.Set("detail", Napi::String::New(env, from.message));
	return error;
}
