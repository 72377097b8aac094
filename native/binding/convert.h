// SPDX-License-Identifier: Apache-2.0
// Between JavaScript values and dataplane.h's structs. Node's main thread only.
#ifndef SPILLWAY_CONVERT_H
#define SPILLWAY_CONVERT_H

#include <memory>
#include <string>
#include <vector>

#include <napi.h>

#include "dataplane.h"

// A dp_plan and the memory its pointers point into.
struct PlanCopy {
	dp_plan plan{};
	std::vector<std::string> ealArgs;
	std::vector<char *> ealArgPointers;
	std::vector<uint8_t> prefill;
};

// A rule list and the memory its pointers point into.
struct RulesCopy {
	std::vector<dp_rule> rules;
	std::vector<std::string> names;
	std::vector<std::vector<std::string>> matches;
	std::vector<std::vector<const char *>> matchPointers;

	unsigned size() const
	{
		return static_cast<unsigned>(rules.size());
	}
};

// What dp_start() made, copied on the control thread so that the main thread can turn it into JavaScript.
struct StartCopy {
	dp_info info{};
	struct Addresses {
		unsigned port;
		std::string tap;
		std::vector<std::string> text;
	};
	std::vector<Addresses> addresses;
	struct Layout {
		uint32_t generation;
		std::vector<dp_slot> slots;
	} layout;
};

// Both throw Napi::Error when a value is not of the type that native.ts declares.
std::unique_ptr<PlanCopy> planFromJs(const Napi::Object &plan);
std::unique_ptr<RulesCopy> rulesFromJs(const Napi::Array &rules);

// `portNames` in the order of the plan.
dp_capture_plan captureFromJs(const Napi::Object &capture, const std::vector<std::string> &portNames);

// On the control thread.
std::vector<StartCopy::Addresses> copyAddresses();
StartCopy::Layout copyLayout();
StartCopy copyStart();

Napi::Value layoutToJs(Napi::Env env, const StartCopy::Layout &layout);
Napi::Value addressesToJs(Napi::Env env, const std::vector<StartCopy::Addresses> &addresses,
			  const std::vector<std::string> &portNames);
// What an event says of a port, into `out`.
void setFilters(Napi::Object out, const dp_filters &filters);
void setMtu(Napi::Object out, const dp_mtu &mtu);
Napi::Object captureResultToJs(Napi::Env env, const dp_capture_result &result);
Napi::Value startToJs(Napi::Env env, const StartCopy &start);
// "EACCES" for 13.
const char *errnoName(int errnum);
Napi::Error errorToJs(Napi::Env env, const dp_error &error);

#endif
