/* Lamina: the C ABI between the host and its plugins, version 1.1.
 *
 * A plugin is a shared library that exports one function, lamina_plugin_v1 (lamina/plugin.h). Include this file,
 * or only the header of the concept that you need. SDK/Documentation/ABI.md is the normative text.
 */
#ifndef LAMINA_H
#define LAMINA_H

#include "lamina/base.h"
#include "lamina/tensor.h"
#include "lamina/attribute.h"
#include "lamina/host.h"
#include "lamina/component.h"
#include "lamina/layer.h"
#include "lamina/merge.h"
#include "lamina/block.h"
#include "lamina/jvp.h"
#include "lamina/initializer.h"
#include "lamina/optimizer.h"
#include "lamina/schedule.h"
#include "lamina/metric.h"
#include "lamina/network.h"
#include "lamina/source.h"
#include "lamina/tokenizer.h"
#include "lamina/transform.h"
#include "lamina/procedure.h"
#include "lamina/batch_transform.h"
#include "lamina/task.h"
#include "lamina/plugin.h"

#endif
