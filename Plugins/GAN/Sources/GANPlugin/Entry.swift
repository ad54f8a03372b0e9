import CLamina
import GAN
import LaminaSDK

/// The one exported symbol of the library.
@c(lamina_plugin_v1)
public func entry(_ host: UnsafePointer<lamina_host>?, _ out: UnsafeMutablePointer<lamina_plugin>?) -> Int32 {
    Plugin.export(GANCatalogue.plugin, to: out)
}
